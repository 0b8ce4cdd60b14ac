import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import { classLabel, classOptions, classTitle, promptLabel } from '../parts/classes.js';
import { fixed, slider } from '../parts/controls.js';

/** Seeds that are taken at random. */
const seeds = 1_000_000;

/** The class to draw. */
export interface ClassChoice {
  /** Index of the class; undefined until it is known. */
  readonly label?: number;
  /** Text in place of a class (default: an ellipsis). */
  readonly otherwise?: string;
  /** Id of the element that says where the class is from. */
  readonly describedBy?: string;
  readonly onChoose: (label: number) => void;
}

/** The class of new images. A prompt replaces it, until a class is chosen. */
function newImageClass(app: App): ClassChoice {
  const { settings } = app.state;
  const { label } = promptLabel(app.info, settings.prompt) ?? {};
  return {
    ...(label === undefined ? { label: settings.label } : { otherwise: `‘${classTitle(app.info, label)}’` }),
    onChoose: (label) => app.set(settings, { label, prompt: '' }),
  };
}

/** Most characters of a prompt. */
const longestPrompt = 200;

/**
 * Text of what to draw, in place of a class, for a model that knows words.
 * @param place Prefix of element ids.
 * @param start Draws, on Enter.
 */
export function promptControl(
  app: App,
  info: ModelInfo,
  place: string,
  start: () => void,
): TemplateResult | typeof nothing {
  if (info.words.length === 0) return nothing;
  const { settings } = app.state;
  return html`<div class="control">
    <label for="${place}-prompt">Or in words</label>
    <input
      id="${place}-prompt"
      type="text"
      maxlength=${longestPrompt}
      autocomplete="off"
      spellcheck="false"
      enterkeyhint="go"
      placeholder="such as red heart"
      aria-describedby="${place}-prompt-hint"
      .value=${live(settings.prompt)}
      @input=${(event: Event) => app.set(settings, { prompt: (event.target as HTMLInputElement).value })}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter' && !event.repeat && !event.isComposing && app.isReady) start();
      }}
    />
    <p class="hint" id="${place}-prompt-hint" role="status">${promptHint(info, settings.prompt)}</p>
  </div>`;
}

/** Says what a prompt draws. */
function promptHint(info: ModelInfo, prompt: string): string {
  const found = promptLabel(info, prompt);
  if (found === undefined) return `The model knows ${info.words.length} words: names and keywords of its pictures.`;
  const { label, unknown } = found;
  if (label === undefined) return 'The model knows none of these words, and draws the class.';
  if (typeof label === 'number') return 'The model knows none of these words, and draws anything.';
  const dropped = unknown.map((word) => `‘${word}’`).join(', ');
  return `Draws ‘${classTitle(info, label)}’.${dropped && ` The model does not know ${dropped}.`}`;
}

/**
 * Menu of the class to draw.
 * @param place Prefix of the element's id.
 */
export function classControl(
  app: App,
  info: ModelInfo,
  place: string,
  { label, otherwise = '…', describedBy, onChoose }: ClassChoice = newImageClass(app),
): TemplateResult {
  return html`<div class="control class-control">
    <label for="${place}-class">Class</label>
    <select
      id="${place}-class"
      aria-describedby=${describedBy ?? nothing}
      @change=${(event: Event) => {
        const chosen = classLabel(info, (event.target as HTMLSelectElement).value);
        if (chosen !== undefined) onChoose(chosen);
      }}
    >
      ${classOptions(info, label)}
      <option value="" disabled hidden .selected=${live(label === undefined)}>${otherwise}</option>
    </select>
  </div>`;
}

/**
 * Controls of guidance, temperature, top-p and seed, for generation and comparison.
 * @param place Prefix of element ids.
 */
export function settingsControls(app: App, { hasGuidance }: ModelInfo, place: string): TemplateResult {
  const { settings } = app.state;
  return html`${
    hasGuidance
      ? slider({
          id: `${place}-guidance`,
          label: 'Guidance',
          min: 1,
          max: 5,
          step: 0.1,
          value: settings.guidanceScale,
          text: settings.guidanceScale === 1 ? 'none' : fixed(settings.guidanceScale, 1),
          onInput: (value) => app.set(settings, { guidanceScale: value }),
        })
      : nothing
  }
    ${slider({
      id: `${place}-temperature`,
      label: 'Temperature',
      min: 0.1,
      max: 1.5,
      step: 0.05,
      value: settings.temperature,
      text: fixed(settings.temperature, 2),
      onInput: (value) => app.set(settings, { temperature: value }),
    })}
    ${slider({
      id: `${place}-top-p`,
      label: 'Top-p',
      min: 0.1,
      max: 1,
      step: 0.01,
      value: settings.topP,
      text: settings.topP === 1 ? 'all tokens' : fixed(settings.topP, 2),
      onInput: (value) => app.set(settings, { topP: value }),
    })}
    <div class="control">
      <label for="${place}-seed">Seed</label>
      <input
        id="${place}-seed"
        type="number"
        min="0"
        max=${2 ** 31 - 1}
        step="1"
        .value=${live(String(settings.seed))}
        @input=${(event: Event) => {
          // At once: the page may be rendered again before the field is left.
          const seed = typedSeed(event);
          if (seed !== undefined) app.set(settings, { seed });
        }}
        @change=${(event: Event) => app.set(settings, { seed: typedSeed(event) ?? 0 })}
      />
    </div>`;
}

/** Takes a seed at random. */
export function takeSeed(app: App): void {
  app.set(app.state.settings, { seed: Math.floor(Math.random() * seeds) });
}

/** Seed in the field of an event; `undefined` if it is none. */
function typedSeed({ target }: Event): number | undefined {
  const value = (target as HTMLInputElement).valueAsNumber;
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? value : undefined;
}
