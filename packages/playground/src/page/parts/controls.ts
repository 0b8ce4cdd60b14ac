import { html, nothing, type TemplateResult } from 'lit-html';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import { classTitle } from './classes.js';

/** A slider with its label and the text of its value. */
export interface Slider {
  readonly id: string;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  /** The value with its unit. */
  readonly text: string;
  readonly hint?: string;
  /** Shown between the label and the slider. */
  readonly above?: TemplateResult;
  readonly isDisabled?: boolean;
  readonly onInput: (value: number) => void;
}

export function slider({ id, label, text, hint, above, onInput, ...range }: Slider): TemplateResult {
  return html`<div class="control">
    <div class="control-head">
      <label for=${id}>${label}</label>
      <output class="value" for=${id}>${text}</output>
    </div>
    ${above ?? nothing}
    <input
      id=${id}
      type="range"
      min=${range.min}
      max=${range.max}
      step=${range.step}
      .value=${String(range.value)}
      ?disabled=${range.isDisabled ?? false}
      aria-valuetext=${text}
      aria-describedby=${hint ? `${id}-hint` : nothing}
      @input=${(event: InputEvent) => onInput((event.target as HTMLInputElement).valueAsNumber)}
    />
    ${hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : nothing}
  </div>`;
}

/** Group of buttons of which one is selected. */
export function choice<V extends string>(
  label: string,
  options: readonly (readonly [value: V, text: string])[],
  chosen: V,
  onChoose: (value: V) => void,
): TemplateResult {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${options.map(
      ([value, text]) =>
        html`<button type="button" data-value=${value} aria-pressed=${value === chosen} @click=${() => onChoose(value)}>
          ${text}
        </button>`,
    )}
  </div>`;
}

/** Shows or hides the outlines of patches, on all parts of the page. */
export function patchesCheck(app: App): TemplateResult {
  const { look } = app.state;
  return html`<label class="check">
    <input
      type="checkbox"
      .checked=${look.showsPatches}
      @change=${(event: Event) => app.set(look, { showsPatches: (event.target as HTMLInputElement).checked })}
    />
    Patches
  </label>`;
}

/** Says that fine-tuned weights draw, if they do. */
export function tunedNote({ state }: App, info: ModelInfo): TemplateResult | typeof nothing {
  const { tuned } = state;
  if (!tuned) return nothing;
  return html`<p class="note" data-figure="tuned">
    DPAR draws with weights that were fine-tuned on ${tuned.pictures === 1 ? 'a picture' : quantity(tuned.pictures, 'picture')} of
    ‘${classTitle(info, tuned.label)}’. <a href="#train">Train</a> discards them.
  </p>`;
}

/** List of figures with their labels. */
export function figures(entries: readonly (readonly [term: string, value: string, name: string])[]): TemplateResult {
  return html`<dl class="figures">
    ${entries.map(
      ([term, value, name]) => html`<div>
        <dt>${term}</dt>
        <dd data-figure=${name}>${value}</dd>
      </div>`,
    )}
  </dl>`;
}

const signed = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** 0.2345 as '23.5%'. */
export const percent = (share: number): string => signed.format(share).replace('-', '\u2212');

/** A number with a fixed number of decimals. */
export const fixed = (value: number, decimals: number): string => value.toFixed(decimals);

/** A number as text; a dash for NaN, which stands for unknown. */
export const ifKnown = (value: number, text: (value: number) => string): string =>
  Number.isNaN(value) ? '–' : text(value);

/** A number with its unit or name, between which no line breaks: '64 px', 'seed 1'. */
export const measure = (value: string | number, unit: string): string => `${value}\u00a0${unit}`;

/** A number of things: '1 token', '4 tokens'. */
export const quantity = (count: number, thing: string): string => measure(count, count === 1 ? thing : `${thing}s`);

/** A count of operations or weights in millions. */
export function millions(count: number, decimals = 0): string {
  return measure(fixed(count / 1e6, decimals), 'M');
}
