import { html, type TemplateResult } from 'lit-html';
import type { ModelInfo } from '../../model/model-info.js';
import type { App } from '../app.js';
import { fixed, slider } from '../parts/controls.js';

/** Seeds that the button chooses from. */
const seeds = 1_000_000;

/** What is drawn and how, for generation and comparison alike. @param place Keeps ids of the two apart. */
export function settingsControls(app: App, { classes }: ModelInfo, place: string): TemplateResult {
  const { settings } = app.state;
  const set = (change: () => void): void => app.update(change);
  return html`<div class="control">
      <label for="${place}-class">Class</label>
      <select
        id="${place}-class"
        @change=${(event: Event) =>
          set(() => {
            settings.label = (event.target as HTMLSelectElement).selectedIndex;
          })}
      >
        ${classes.map((name, label) => html`<option .selected=${label === settings.label}>${name}</option>`)}
      </select>
    </div>
    ${slider({
      id: `${place}-guidance`,
      label: 'Guidance',
      min: 1,
      max: 5,
      step: 0.1,
      value: settings.guidanceScale,
      text: settings.guidanceScale === 1 ? 'none' : fixed(settings.guidanceScale, 1),
      onInput: (value) =>
        set(() => {
          settings.guidanceScale = value;
        }),
    })}
    ${slider({
      id: `${place}-temperature`,
      label: 'Temperature',
      min: 0.1,
      max: 1.5,
      step: 0.05,
      value: settings.temperature,
      text: fixed(settings.temperature, 2),
      onInput: (value) =>
        set(() => {
          settings.temperature = value;
        }),
    })}
    <div class="control">
      <label for="${place}-seed">Seed</label>
      <div class="seed">
        <input
          id="${place}-seed"
          type="number"
          min="0"
          max=${2 ** 31 - 1}
          step="1"
          .value=${String(settings.seed)}
          @change=${(event: Event) =>
            set(() => {
              const value = (event.target as HTMLInputElement).valueAsNumber;
              settings.seed = Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? value : 0;
            })}
        />
        <button
          type="button"
          class="quiet"
          @click=${() =>
            set(() => {
              settings.seed = Math.floor(Math.random() * seeds);
            })}
        >
          Another
        </button>
      </div>
    </div>`;
}
