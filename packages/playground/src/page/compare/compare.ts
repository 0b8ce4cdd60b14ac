import { html, nothing, type TemplateResult } from 'lit-html';
import { type DrawnImage, wholeCost } from '../../model/costs.js';
import type { DrawingState } from '../../model/drawing.js';
import { sourceNames } from '../../model/entropy-source.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { ModelName } from '../../worker/protocol.js';
import type { App } from '../app.js';
import { exampleTitle } from '../generate/generate.js';
import { paintDrawing, paintExample } from '../generate/paint-drawing.js';
import { runControls, statusOf } from '../generate/run-controls.js';
import { classControl, promptControl, settingsControls } from '../generate/settings.js';
import { classTitle } from '../parts/classes.js';
import { fixed, ifKnown, measure, millions, patchesCheck, percent, tunedNote } from '../parts/controls.js';
import type { Run } from '../state.js';
import { imageOf, patchesOf } from './image-of.js';
import { partsTable, secondsText, wholeSeconds } from './parts-table.js';
import { timeExplained } from './time-explained.js';

/** Compared models. */
const models: readonly { readonly name: ModelName; readonly title: string }[] = [
  { name: 'llamagen', title: 'LlamaGen' },
  { name: 'dpar', title: 'DPAR' },
];

/** Explanation of the work of a model. */
function workOf(name: ModelName, { source }: ModelInfo): string {
  if (name === 'llamagen') return 'All blocks run once per token.';
  return `A few blocks and the ${sourceNames[source]} run once per token, the other blocks once per patch.`;
}

/** Text on the sizes of the models, and on the network that only DPAR needs. */
function sizes(info: ModelInfo): string {
  const { dpar, entropies, llamagen } = info.weights;
  const added = percent(entropies / dpar);
  return (
    `LlamaGen has ${millions(llamagen, 1)} weights, and DPAR ${millions(dpar, 1)}. ` +
    (info.source === 'entropy'
      ? `DPAR also needs its entropy model, which adds ${added} to them.`
      : `DPAR also has a boundary head. It predicts where patches start, and adds ${added} to them.`)
  );
}

/** Third part of the page: both models draw with the same seed, in turn. */
export function compareView(app: App, info: ModelInfo): TemplateResult {
  const { comparison: run } = app.state;
  const start = (): void => app.draw('comparison', shownModels);
  return html`<div class="lead">
      <h2>The same seed, two models</h2>
      <p>
        Both draw the same class with the same random numbers. They take turns token by token, and their times are measured
        separately. ${sizes(info)}
      </p>
    </div>
    ${tunedNote(app, info)}
    <div class="workbench">
      <div class="stage">
        ${models.map(
          ({ name, title }) => html`<figure>
            <figcaption>
              <h3>${title}</h3>
              ${name === 'dpar' ? patchesCheck(app) : ''}
            </figcaption>
            <canvas
              class="tokens"
              data-canvas="compare-${name}"
              role="img"
              aria-label=${run ? `Image by ${title}` : `${exampleTitle(app)}, with the steps of ${title}`}
            ></canvas>
            <p class="hint">${run ? nothing : `${exampleTitle(app)}. `}${workOf(name, info)}</p>
          </figure>`,
        )}
        <p role="status" class="hint">${statusOf(app, run, 'Ready')}</p>
        ${comparisonTable(app, info)}
        ${models.map((model) => partsTable(model, info, drawnImage(app), drawingOf(app, model.name)))}
        ${timeExplained(run, info)}
      </div>
      <div class="panel">
        <section class="run" aria-label="Draw">
          ${classControl(app, info, 'compare')} ${runControls(app, run, { label: 'Compare', start })}
        </section>
        <section class="card" aria-label="Settings">
          ${promptControl(app, info, 'compare', start)} ${settingsControls(app, info, 'compare')}
        </section>
      </div>
    </div>`;
}

const shownModels = models.map(({ name }) => name);

/** Drawing of one of the models. */
function drawingOf(app: App, name: ModelName): DrawingState | undefined {
  const { comparison: run } = app.state;
  return run?.drawings[run.models.indexOf(name)];
}

/** Image of DPAR for its costs. The number of patches is unknown until the image is whole. */
function drawnImage(app: App): DrawnImage {
  const { comparison: run, settings } = app.state;
  const dpar = drawingOf(app, 'dpar');
  if (run && dpar?.tokens.length === app.info.blockSize) return imageOf(run, dpar);
  return { patches: Number.NaN, isGuided: (run?.options ?? settings).guidanceScale !== 1 };
}

const tableRows = [
  ['Tokens', 'tokens'],
  ['Steps of the large transformer', 'steps'],
  ['Multiply-adds', 'operations'],
  ['Time', 'time'],
  ['Tokens/s', 'speed'],
] as const;

function comparisonTable(app: App, info: ModelInfo): TemplateResult {
  const { comparison: run } = app.state;
  const image = drawnImage(app);
  const cells = models.map(({ name }) => cellsOf(name, drawingOf(app, name), info, image));
  return html`<div class="card table">
    <table>
      <caption>${run ? settingsOf(run, info) : 'Both models, the same class and seed'}</caption>
      <thead>
        <tr>
          <th scope="col"><span class="visually-hidden">Figure</span></th>
          ${models.map(({ title }) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${tableRows.map(
          ([label, key]) => html`<tr>
            <th scope="row">${label}</th>
            ${models.map(({ name }, i) => html`<td data-figure="${name}-${key}">${cells[i]?.[key]}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
    <p class="hint">
      Multiply-adds are those of linear layers, counted as in the
      paper${image.isGuided ? '; × 2 stands for the two rows of guidance' : ''}. They include the tokenizer’s decoder, and for DPAR
      the ${sourceNames[info.source]}.
    </p>
  </div>`;
}

/** Settings of the figures: those of the page may have changed since. */
function settingsOf({ options }: Run, info: ModelInfo): string {
  const { label, guidanceScale, temperature, topP, seed } = options;
  const guidance = guidanceScale === 1 ? 'no guidance' : measure('guidance', fixed(guidanceScale, 1));
  return [
    classTitle(info, label),
    guidance,
    measure('temperature', fixed(temperature, 2)),
    measure('top-p', fixed(topP, 2)),
    measure('seed', `${seed}`),
  ].join(', ');
}

function cellsOf(
  name: ModelName,
  drawing: DrawingState | undefined,
  { costs }: ModelInfo,
  image: DrawnImage,
): Record<(typeof tableRows)[number][1], string> {
  const tokens = drawing?.tokens.length ?? Number.NaN;
  const steps = drawing ? patchesOf(drawing) : Number.NaN;
  return {
    tokens: ifKnown(tokens, String),
    steps: ifKnown(steps, String),
    operations: ifKnown(wholeCost(costs, name, image), millions),
    time: ifKnown(wholeSeconds(drawing), secondsText),
    speed: ifKnown(tokens / (drawing?.seconds ?? 0), (speed) => fixed(speed, 0)),
  };
}

export function paintComparison(app: App, { gridSize }: ModelInfo): void {
  const { showsPatches } = app.state.look;
  for (const { name } of models) {
    // Every token of LlamaGen is a step: outlines would only hide its image, but explain an example.
    if (!app.state.comparison) paintExample(app, `compare-${name}`, name === 'llamagen');
    else paintDrawing(`compare-${name}`, gridSize, drawingOf(app, name), name === 'dpar' && showsPatches);
  }
}
