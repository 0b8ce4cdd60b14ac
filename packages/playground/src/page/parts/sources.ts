import { html, nothing, type TemplateResult } from 'lit-html';
import type { App } from '../app.js';

/** Choice of a picture: examples, a file, and an empty sheet if the part supports drawing. */
export function sources(app: App, { canDraw }: { readonly canDraw: boolean }): TemplateResult {
  const { picture, brush } = app.state.look;
  return html`<div class="sources" role="group" aria-label="Picture">
    <label class="source action">
      <input
        type="file"
        class="visually-hidden"
        accept="image/*"
        @change=${(event: Event) => openFile(app, event.target as HTMLInputElement)}
      />
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 16V5m0 0L7.5 9.5M12 5l4.5 4.5M5 15v3.5h14V15" /></svg>
      <span>Open</span>
    </label>
    ${
      canDraw
        ? html`<button
            type="button"
            class="source action"
            aria-pressed=${brush !== undefined}
            @click=${() => app.startDrawing()}
          >
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M5 19l1-4L16.5 4.500l3 3L9 18l-4 1zM14 7l3 3" /></svg>
            <span>Draw</span>
          </button>`
        : nothing
    }
    ${app.manifest.examples.map(
      (example) => html`<button
        type="button"
        class="source"
        aria-pressed=${picture?.name === example.name}
        title=${example.name}
        @click=${() => void app.showExample(example)}
      >
        <img src=${example.file} alt=${example.name} width="64" height="64" />
      </button>`,
    )}
  </div>`;
}

function openFile(app: App, input: HTMLInputElement): void {
  const file = input.files?.[0];
  // The same file can be chosen again.
  input.value = '';
  if (!file) return;
  void app.showFile(file, file.name);
}
