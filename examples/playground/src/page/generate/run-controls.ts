import { html, nothing, type TemplateResult } from 'lit-html';
import type { App } from '../app.js';
import type { Run } from '../state.js';

/** Starts, stops and goes on. @param start Begins a new run. */
export function runControls(app: App, run: Run | undefined, label: string, start: () => void): TemplateResult {
  if (run?.status === 'preparing' || run?.status === 'running') {
    return html`<div class="buttons">
      <button type="button" class="primary" @click=${() => app.steer('pause', run)}>Stop</button>
    </div>`;
  }
  const isPaused = run?.status === 'paused';
  return html`<div class="buttons">
    ${
      isPaused
        ? html`<button type="button" class="primary" @click=${() => app.steer('resume', run)}>Resume</button>`
        : nothing
    }
    <button type="button" class=${isPaused ? '' : 'primary'} @click=${start}>${isPaused ? 'Start over' : label}</button>
  </div>`;
}

/** What a run is doing, in words. @param length Tokens of an image. */
export function statusOf(run: Run | undefined, length: number): string {
  if (!run) return 'Not started';
  const done = Math.min(...run.drawings.map(({ tokens }) => tokens.length));
  switch (run.status) {
    case 'preparing':
      return 'Getting ready';
    case 'running':
      return `Drawing: token ${done} of ${length}`;
    case 'paused':
      return run.drawings.length > 0 ? `Stopped after ${done} of ${length} tokens` : 'Stopped';
    case 'finished':
      return 'Finished';
    case 'ended':
      return 'Ended';
  }
}
