import { html, nothing, type TemplateResult } from 'lit-html';
import { sameStarts } from '../../model/agreement.js';
import type { EntropySource } from '../../model/entropy-source.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import { choice, figures, fixed, ifKnown, percent, quantity } from '../parts/controls.js';

/** Controls that compare the boundary head with the entropy model; none without one of them. */
export function comparisonControls(app: App, info: ModelInfo): TemplateResult | typeof nothing {
  const { look } = app.state;
  if (info.source === 'entropy' || info.entropyBlocks === 0) return nothing;
  return html`<label class="check">
      <input
        type="checkbox"
        .checked=${look.compares}
        @change=${(event: Event) => app.compareEntropies((event.target as HTMLInputElement).checked)}
      />
      Compare with the entropy model
    </label>
    ${
      look.compares
        ? html`<div class="control">
            <div class="control-head"><span>Patches by</span></div>
            ${choice(
              'Patches by',
              [
                ['head', 'Boundary head'],
                ['entropy', 'Entropy model'],
              ],
              app.lookSource(),
              (source: EntropySource) => app.set(look, { source }),
            )}
          </div>`
        : nothing
    }`;
}

/** Agreement of the boundary head with the entropy model on the picture, while they are compared. */
export function comparisonFigures(app: App, { patching, entropyBlocks }: ModelInfo): TemplateResult | typeof nothing {
  const { analysis, compares } = app.state.look;
  if (!compares || entropyBlocks === 0) return nothing;
  const starts = analysis && sameStarts(analysis, patching);
  return html`<section class="card beside" aria-label="Agreement">
    ${figures([
      ['Correlation', ifKnown(analysis?.reference?.correlation ?? Number.NaN, correlation), 'correlation'],
      ['Same starts', ifKnown(starts ?? Number.NaN, percent), 'agreement'],
    ])}
    <p class="hint">
      The entropy model is a GPT with ${quantity(entropyBlocks, 'block')}. The boundary head learned to predict its entropies. Same
      starts are tokens that start a patch by both models or by neither, each at its own threshold.
    </p>
  </section>`;
}

const correlation = (value: number): string => fixed(value, 2).replace('-', '\u2212');
