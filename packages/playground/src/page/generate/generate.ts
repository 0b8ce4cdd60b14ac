import { lengthsFromStarts } from '@dpar/patchify';
import { html, nothing, type TemplateResult } from 'lit-html';
import { messageOf } from '../../message-of.js';
import { operationSaving } from '../../model/costs.js';
import { sourceNames } from '../../model/entropy-source.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import { downloadPng } from '../images/download.js';
import { classTitle } from '../parts/classes.js';
import { figures, fixed, patchesCheck, percent, quantity, tunedNote } from '../parts/controls.js';
import type { Run } from '../state.js';
import { completionControls, completionOf, dragEdge, paintKept } from './completion.js';
import { completionClassChoice } from './completion-class.js';
import { paintDrawing, paintExample } from './paint-drawing.js';
import { type RunStart, runControls, statusOf } from './run-controls.js';
import { classControl, promptControl, settingsControls } from './settings.js';

const canvasName = 'generation';

/** Second part of the page: draws an image token by token. */
export function generateView(app: App, info: ModelInfo): TemplateResult {
  const { generation: run, keptRows } = app.state;
  const completes = keptRows !== undefined;
  const completion = completes ? completionOf(app, info) : undefined;
  const runStart: RunStart = {
    label: completes ? 'Complete' : 'Generate',
    isReady: !completes || completion !== undefined,
    start: () => app.draw('generation', ['dpar'], completion),
  };
  const showsEdge = edgeIsShown(app);
  return html`<div class="lead">
      <h2>Draw an image</h2>
      <p>
        The model generates tokens one by one, row by row from the top. A token that is easy to predict joins the patch
        before it. Any other token starts a new patch.
      </p>
    </div>
    ${tunedNote(app, info)}
    <div class="workbench single">
      <div class="stage">
        <figure>
          <figcaption>
            <h3>${heading(app, info)}</h3>
            ${patchesCheck(app)}
          </figcaption>
          <canvas
            class="tokens ${showsEdge ? 'draggable' : ''}"
            data-canvas=${canvasName}
            role="img"
            aria-label=${pictureLabel(app, info)}
            @pointerdown=${(event: PointerEvent) => {
              if (!showsEdge) return;
              (event.target as HTMLElement).setPointerCapture(event.pointerId);
              dragEdge(app, info, event);
            }}
            @pointermove=${(event: PointerEvent) => showsEdge && dragEdge(app, info, event)}
          ></canvas>
          ${progressOf(app, run, info)}
        </figure>
      </div>
      <div class="panel">
        <section class="run" aria-label="Draw">
          ${classControl(app, info, 'generate', completes ? completionClassChoice(app, info) : undefined)}
          ${runControls(app, run, runStart)}
        </section>
        <section class="card" aria-label="Settings">
          ${completes ? nothing : promptControl(app, info, 'generate', runStart.start)}
          ${completionControls(app, info)} ${settingsControls(app, info, 'generate')}
        </section>
        ${generationFigures(run, info)} ${codes(run)}
        ${
          run && run.drawings.length > 0
            ? html`<button type="button" @click=${() => void save(app, run)}>Download PNG</button>`
            : nothing
        }
        ${
          completes && run
            ? html`<button type="button" class="quiet" @click=${() => backToPicture(app)}>Back to the erased picture</button>`
            : nothing
        }
      </div>
    </div>`;
}

/** Shows the erased picture again; the focus goes to its edge, as this button goes away. */
function backToPicture(app: App): void {
  app.clearGeneration();
  document.getElementById('kept-rows')?.focus();
}

/** Heading with the class, and the picture that is completed. Before the first drawing, an example is shown. */
function heading(app: App, info: ModelInfo): string {
  const { generation: run, keptRows, look } = app.state;
  if (!run && keptRows === undefined) return exampleTitle(app);
  const picture = keptRows === undefined ? undefined : look.picture?.name;
  return [picture, run && classTitle(info, run.options.label)].filter(Boolean).join(': ');
}

/** Heading of the picture that is shown before the first drawing. */
export function exampleTitle({ state, manifest }: App): string {
  // The name is there before the picture, so that no line moves.
  const { name } = state.look.picture ?? manifest.examples[0] ?? {};
  return name === undefined ? 'Example' : `Example: ${name}`;
}

/** True if the picture to complete is shown instead of a drawing. */
const edgeIsShown = (app: App): boolean => app.state.keptRows !== undefined && app.state.generation === undefined;

function pictureLabel(app: App, info: ModelInfo): string {
  const { gridSize } = info;
  const { generation: run, keptRows, look } = app.state;
  if (run) {
    const done = quantity(run.drawings[0]?.tokens.length ?? 0, 'token');
    const { label } = run.options;
    const title = classTitle(info, label);
    return `Image of ${typeof label === 'number' ? `the class ${title}` : `‘${title}’`}, ${done} done`;
  }
  if (keptRows !== undefined) return `${look.picture?.name}, erased from row ${keptRows + 1} of ${gridSize}`;
  return `${exampleTitle(app)}, with its patches`;
}

/** Progress as a bar and in words. */
function progressOf(app: App, run: Run | undefined, { blockSize }: ModelInfo): TemplateResult {
  const ready =
    app.state.keptRows === undefined ? 'An example. Generate draws a new image.' : 'Complete draws the erased rows.';
  const done = run?.drawings[0]?.tokens.length ?? 0;
  return html`<div class="progress">
    <progress max=${blockSize} value=${done} aria-label="Tokens done"></progress>
    <p role="status">${statusOf(app, run, ready)}</p>
  </div>`;
}

function generationFigures(run: Run | undefined, info: ModelInfo): TemplateResult {
  const drawing = run?.drawings[0];
  const patches = drawing ? lengthsFromStarts(drawing.startsPatch).length : 0;
  const tokens = drawing?.tokens.length ?? 0;
  const isWhole = tokens === info.blockSize;
  const isGuided = run !== undefined && run.options.guidanceScale !== 1;
  return html`<section class="card" aria-label="Figures">
    ${figures([
      ['Tokens', drawing ? `${tokens}` : '–', 'tokens'],
      ['Patches', drawing ? `${patches}` : '–', 'patches'],
      ['Tokens/s', drawing ? fixed(tokens / drawing.seconds, 0) : '–', 'speed'],
      ['FLOPs saved', isWhole ? percent(operationSaving(info.costs, { patches, isGuided })) : '–', 'saving'],
    ])}
    <p class="hint">
      Savings are relative to LlamaGen with ${quantity(info.llamagenBlocks, 'block')} and the same settings.
      They include the ${sourceNames[info.source]}, which predicts where patches start.
    </p>
  </section>`;
}

/** The codes of the tokens so far, in their patches, to read or to copy. */
function codes(run: Run | undefined): TemplateResult | typeof nothing {
  const drawing = run?.drawings[0];
  if (!drawing) return nothing;
  const { tokens, startsPatch } = drawing;
  const text = Array.from(tokens, (token, i) => `${i > 0 && startsPatch[i] ? '| ' : ''}${token}`).join(' ');
  return html`<details class="card">
    <summary>Codes of the tokens, in patches</summary>
    <p class="codes" data-figure="codes">${text}</p>
  </details>`;
}

async function save(app: App, { drawings, options }: Run): Promise<void> {
  const [drawing] = drawings;
  if (!drawing) return;
  try {
    await downloadPng(drawing.pixels, `dpar-${[options.label].flat().join('-')}-${options.seed}.png`);
  } catch (error) {
    app.report(messageOf(error));
  }
}

export function paintGeneration(app: App, info: ModelInfo): void {
  const { generation: run, look } = app.state;
  if (edgeIsShown(app)) paintKept(app, info, canvasName);
  else if (!run) paintExample(app, canvasName);
  else paintDrawing(canvasName, info.gridSize, run.drawings[0], look.showsPatches, run.options.prefix.length);
}
