import { patchIds, patchSpans, patchStatistics } from '@dpar/patchify';
import { html, nothing, type TemplateResult } from 'lit-html';
import { operationSaving, savingWithoutEntropies } from '../../model/costs.js';
import { type EntropySource, sourceNames } from '../../model/entropy-source.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import { paintCodes, paintCursor, paintEntropies, paintPatches, paintPixels, surfaceNamed } from '../drawing/paint.js';
import { choice, figures, fixed, measure, patchesCheck, percent, quantity, slider } from '../parts/controls.js';
import { isTouch } from '../parts/pointer.js';
import { sources } from '../parts/sources.js';
import { tokenCanvas } from '../parts/token-canvas.js';
import type { LookView } from '../state.js';
import { brushControls, drawStroke } from './brush.js';
import { comparisonControls, comparisonFigures } from './comparison.js';
import { distribution, scaleTicks } from './distribution.js';

/** Upper end of the heat map and of the threshold in nats: above most entropies, and above the model's own thresholds. */
function mostNatsOf({ patching, vocabSize }: ModelInfo): number {
  const thresholds = [patching.head?.threshold ?? 0, patching.entropy?.threshold ?? 0];
  return Math.ceil(Math.max(0.85 * Math.log(vocabSize), ...thresholds));
}

/** First part of the page: tokens, entropies and patches of a picture. */
export function lookView(app: App, info: ModelInfo): TemplateResult {
  const { look } = app.state;
  const source = app.lookSource();
  const { threshold, maxPatchLength } = app.lookPatching(source);
  const own = info.patching[source] ?? {};
  const mostNats = mostNatsOf(info);
  const isChanged = look.threshold !== undefined || look.maxPatchLength !== undefined;
  const canvas = (name: string, label: string) =>
    tokenCanvas({
      name,
      label,
      describedBy: 'token-readout',
      gridSize: info.gridSize,
      cursor: () => look.cursor,
      onCursor: (token) => setCursor(app, token),
      onStroke: name === 'picture' && look.brush ? (to, from) => drawStroke(app, to, from) : undefined,
    });
  return html`<div class="lead">
      <h2>Where is a picture easy to predict?</h2>
      <p>
        A tokenizer turns a picture into ${info.blockSize}&nbsp;tokens. DPAR joins those that are easy to predict to patches, and its
        large transformer runs once per patch. ${introductions[info.source]}
      </p>
    </div>
    ${sources(app, { canDraw: true })}
    <div class="workbench" aria-busy=${look.analysis === undefined}>
      <div class="stage">
        <figure>
          <figcaption>
            <h3>${look.picture?.name ?? 'Picture'}</h3>
            ${choice(
              'What the picture shows',
              [
                ['picture', 'Picture'],
                ['tokens', 'Tokens'],
                ['entropy', 'Entropy'],
              ],
              look.view,
              (view: LookView) => app.set(look, { view }),
            )}
          </figcaption>
          ${canvas('picture', 'Picture with its patches')}
        </figure>
        <figure class="second ${look.compares ? 'compared' : ''}">
          <figcaption>
            <h3>${look.compares ? 'Entropy by the boundary head' : 'Entropy'}</h3>
            ${patchesCheck(app)}
          </figcaption>
          ${canvas('entropy', 'Heat map of the entropies')}
        </figure>
        ${
          look.compares
            ? html`<figure>
                <figcaption><h3>Entropy by the entropy model</h3></figcaption>
                ${canvas('reference', 'Heat map of the entropies of the entropy model')}
              </figure>`
            : nothing
        }
        ${comparisonFigures(app, info)}
        ${readout(app, info)}
      </div>
      <div class="panel">
        ${brushControls(app)} ${results(app, info)}
        <section class="card" aria-label="Patching">
          ${comparisonControls(app, info)}
          ${slider({
            id: 'threshold',
            label: 'Threshold',
            min: 0,
            max: mostNats,
            step: 0.01,
            value: threshold,
            text: natsText(threshold),
            above: distribution(app.lookEntropies(), mostNats, threshold),
            onInput: (value) => app.set(look, { threshold: value }),
          })}
          ${scaleTicks(mostNats)}
          <p class="hint">
            A token whose entropy is above the threshold starts a patch. The first token has no entropy, because no
            token precedes it.
          </p>
          ${slider({
            id: 'max-patch-length',
            label: 'Longest patch',
            min: 1,
            max: info.gridSize,
            step: 1,
            value: maxPatchLength,
            text: quantity(maxPatchLength, 'token'),
            onInput: (value) => app.set(look, { maxPatchLength: value }),
          })}
          <button
            type="button"
            class="quiet"
            aria-disabled=${!isChanged}
            @click=${() =>
              app.update(() => {
                delete look.threshold;
                delete look.maxPatchLength;
              })}
          >
            Reset to ${natsText(own.threshold ?? 0)}, ${quantity(own.maxPatchLength ?? info.gridSize, 'token')}
          </button>
        </section>
      </div>
    </div>`;
}

/** An entropy with its unit. */
const natsText = (nats: number): string => measure(fixed(nats, 2), 'nats');

/** Explanations of entropy, by the source that DPAR draws with. */
const introductions: Readonly<Record<EntropySource, string>> = {
  head: 'A small network, the boundary head, estimates how uncertain each next token is: its entropy.',
  entropy: 'A small model measures how uncertain each next token is: its entropy.',
};

function results(app: App, info: ModelInfo): TemplateResult {
  const lengths = app.lookPatches();
  const statistics = lengths && patchStatistics([lengths]);
  const known = (text: (statistics: ReturnType<typeof patchStatistics>) => string): string =>
    statistics ? text(statistics) : '–';
  // One pass over the image, as tables of the paper count: guidance would double most of it for both models.
  const saving = ({ patches }: { readonly patches: number }) =>
    percent(operationSaving(info.costs, { patches, isGuided: false }));
  return html`<section class="card" aria-label="Patches">
    ${figures([
      ['Patches', known(({ patches }) => `${patches}`), 'patches'],
      ['Mean length', known(({ meanLength }) => fixed(meanLength, 2)), 'mean-length'],
      ['FLOPs saved', known(saving), 'saving'],
    ])}
    <p class="hint">
      Savings are relative to LlamaGen with ${quantity(info.llamagenBlocks, 'block')},
      which run once for each of ${quantity(info.blockSize, 'token')}. They include the ${sourceNames[info.source]}. Without it, as in the
      paper: <span data-figure="saving-without-entropy">${known(({ patches }) => percent(savingWithoutEntropies(info.costs, patches)))}</span>.
    </p>
  </section>`;
}

/** Text on the token under the cursor. */
function readout(app: App, info: ModelInfo): TemplateResult {
  const { gridSize } = info;
  const { cursor, analysis } = app.state.look;
  const lengths = app.lookPatches();
  if (cursor === undefined || !analysis || !lengths) {
    return html`<output id="token-readout" class="readout"><span class="muted">${readoutHint(app)}</span></output>`;
  }
  const patch = patchIds(lengths)[cursor] as number;
  const length = lengths[patch] as number;
  const nats = (entropies: Float32Array): string =>
    cursor === 0 ? 'none (first token)' : natsText(entropies[cursor - 1] as number);
  const { compares } = app.state.look;
  return html`<output id="token-readout" class="readout">
    <span>Token <b>${cursor}</b></span>
    <span>row ${Math.floor(cursor / gridSize) + 1}, column ${(cursor % gridSize) + 1}</span>
    <span>code <b>${analysis.tokens[cursor]}</b></span>
    <span>entropy <b>${nats(analysis.entropies)}</b></span>
    ${compares && analysis.reference ? html`<span>entropy model <b>${nats(analysis.reference.entropies)}</b></span>` : nothing}
    <span>patch <b>${patch + 1}</b> of ${lengths.length}: ${quantity(length, 'token')}</span>
  </output>`;
}

/** Text in place of a token: what is awaited, or how to choose one. */
function readoutHint({ state, isReady }: App): string {
  if (!isReady) return 'Loading the model, to find tokens and entropies.';
  if (!state.look.analysis) return 'Finding tokens and entropies of the picture.';
  const act = isTouch() ? 'Touch a token' : 'Point at a token, or move there with the arrow keys,';
  return `${act} to read its entropy and its patch.`;
}

function setCursor(app: App, token: number | undefined): void {
  if (app.state.look.cursor === token) return;
  app.update(({ look }) => {
    if (token === undefined) delete look.cursor;
    else look.cursor = token;
  });
}

/** Paints the canvases. */
export function paintLook(app: App, info: ModelInfo): void {
  const { gridSize } = info;
  const mostNats = mostNatsOf(info);
  const { picture, analysis, reconstruction, view, showsPatches, cursor } = app.state.look;
  // Each heat map has the patches of its own entropies.
  const canvases: readonly (readonly [name: string, source: EntropySource])[] = [
    ['picture', app.lookSource()],
    ['entropy', info.source],
    ['reference', 'entropy'],
  ];
  for (const [name, source] of canvases) {
    const lengths = app.lookPatches(source);
    const surface = surfaceNamed(name, gridSize)?.surface;
    if (!surface) continue;
    if (name !== 'picture' || view === 'entropy') {
      const entropies = app.lookEntropies(source);
      if (entropies) paintEntropies(surface, entropies, mostNats);
    } else if (view === 'tokens' && analysis && reconstruction) {
      paintPixels(surface, reconstruction);
      paintCodes(surface, analysis.tokens);
    } else if (picture) paintPixels(surface, picture.pixels);
    if (!lengths) continue;
    if (showsPatches) paintPatches(surface, lengths);
    if (cursor !== undefined) {
      const { starts, ends } = patchSpans(lengths);
      const patch = patchIds(lengths)[cursor] as number;
      paintCursor(surface, cursor, [starts[patch] as number, ends[patch] as number]);
    }
  }
}
