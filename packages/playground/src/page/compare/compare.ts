import { lengthsFromStarts } from '@dpar/patchify';
import { html, nothing, type TemplateResult } from 'lit-html';
import { countWeights, dparCost, entropyCost, llamaGenCost } from '../../model/costs.js';
import type { DrawingState } from '../../model/drawing.js';
import { drawingSource, sourceNames } from '../../model/entropy-source.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { ModelName } from '../../worker/protocol.js';
import type { App } from '../app.js';
import { paintDrawing } from '../generate/paint-drawing.js';
import { runControls, statusOf } from '../generate/run-controls.js';
import { settingsControls } from '../generate/settings.js';
import { fixed, patchesCheck, percent, tunedNote } from '../parts/controls.js';
import type { Run } from '../state.js';
import { timeExplained } from './time-explained.js';

/** Compared models. */
const models: readonly { readonly name: ModelName; readonly title: string }[] = [
  { name: 'llamagen', title: 'LlamaGen' },
  { name: 'dpar', title: 'DPAR' },
];

/** Name of the network that predicts entropies for DPAR. */
const sourceOf = ({ dpar }: ModelInfo): string => sourceNames[drawingSource(dpar)];

/** Explanation of the work of a model. */
function workOf(name: ModelName, info: ModelInfo): string {
  if (name === 'llamagen') return 'All blocks run once per token.';
  return `A few blocks and the ${sourceOf(info)} run once per token, the other blocks once per patch.`;
}

/** Text on the sizes of the models, and on the network that only DPAR needs. */
function sizes(info: ModelInfo): string {
  const { dpar, entropies, llamagen } = countWeights(info);
  const millions = (weights: number): string => `${fixed(weights / 1e6, 1)} M`;
  const added = percent(entropies / dpar);
  return (
    `LlamaGen has ${millions(llamagen)} weights, and DPAR ${millions(dpar)}. ` +
    (drawingSource(info.dpar) === 'entropy'
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
              aria-label="Image by ${title}"
            ></canvas>
            <p class="hint">${workOf(name, info)}</p>
          </figure>`,
        )}
        <p role="status" class="hint">${statusOf(run, info.dpar.blockSize)}</p>
        ${comparisonTable(app, info)} ${timeExplained(run, info)}
      </div>
      <div class="panel">
        <section class="card" aria-label="What to draw">
          ${settingsControls(app, info, 'compare')}
        </section>
        <div class="run">
          ${runControls(app, run, { label: 'Compare', start })}
        </div>
      </div>
    </div>`;
}

const shownModels = models.map(({ name }) => name);

/** Drawing of one of the models. */
function drawingOf(app: App, name: ModelName): DrawingState | undefined {
  const { comparison: run } = app.state;
  return run?.drawings[run.models.indexOf(name)];
}

const tableRows = [
  ['Tokens', 'tokens'],
  ['Steps of the big transformer', 'steps'],
  ['Multiply-adds', 'operations'],
  ['Multiply-adds for entropies', 'entropy-operations'],
  ['Time', 'time'],
  ['Tokens/s', 'speed'],
] as const;

function comparisonTable(app: App, info: ModelInfo): TemplateResult {
  const { comparison: run, settings } = app.state;
  const isGuided = (run?.options ?? settings).guidanceScale !== 1;
  const cells = models.map(({ name }) => cellsOf(name, drawingOf(app, name), { info, isGuided }));
  return html`<div class="card table">
    <table>
      ${run ? html`<caption>${settingsOf(run, info)}</caption>` : nothing}
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
      Multiply-adds of linear layers, counted as in the paper${isGuided ? ', for both rows of guidance' : ''}. Those of DPAR
      include the ${sourceOf(info)}.
    </p>
  </div>`;
}

/** Settings of the figures: those of the page may have changed since. */
function settingsOf({ options }: Run, { classes }: ModelInfo): string {
  const { label, guidanceScale, temperature, topP, seed } = options;
  const guidance = guidanceScale === 1 ? 'no guidance' : `guidance ${fixed(guidanceScale, 1)}`;
  return `${classes[label]}, ${guidance}, temperature ${fixed(temperature, 2)}, top-p ${fixed(topP, 2)}, seed ${seed}`;
}

function cellsOf(
  name: ModelName,
  drawing: DrawingState | undefined,
  { info, isGuided }: { readonly info: ModelInfo; readonly isGuided: boolean },
): Record<(typeof tableRows)[number][1], string> {
  const tokens = drawing?.tokens.length ?? 0;
  const steps = drawing ? lengthsFromStarts(drawing.startsPatch).length : 0;
  const isWhole = tokens === info.dpar.blockSize;
  const millions = (operations: number): string => `${fixed(operations / 1e6, 0)} M`;
  const dparOperations = () => dparCost(info, { patches: steps, isGuided }) + entropyCost(info);
  return {
    tokens: drawing ? `${tokens}` : '–',
    steps: drawing ? `${steps}` : '–',
    operations:
      name === 'llamagen' ? millions(llamaGenCost(info, isGuided)) : isWhole ? millions(dparOperations()) : '–',
    'entropy-operations': name === 'llamagen' ? 'none' : millions(entropyCost(info)),
    time: drawing ? `${fixed(drawing.seconds, 2)} s` : '–',
    speed: drawing ? fixed(tokens / drawing.seconds, 0) : '–',
  };
}

export function paintComparison(app: App, { gridSize }: ModelInfo): void {
  const { showsPatches } = app.state.look;
  for (const { name } of models) {
    // Every token of LlamaGen is a step: outlines would only hide the image.
    const hasPatches = name === 'dpar' && showsPatches;
    paintDrawing(`compare-${name}`, gridSize, drawingOf(app, name), hasPatches);
  }
}
