import { html, type TemplateResult } from 'lit-html';
import type { App } from '../app.js';
import { quantity } from '../parts/controls.js';
import type { Run } from '../state.js';
import { takeSeed } from './settings.js';

/** Start of a new run. */
export interface RunStart {
  readonly label: string;
  /** False while input is missing (default: true). */
  readonly isReady?: boolean;
  readonly start: () => void;
}

/**
 * Buttons that control a run. One button starts, stops and resumes, so that it keeps the keyboard's focus. A second one
 * restarts a stopped run, or else starts one with another seed.
 */
export function runControls(
  app: App,
  run: Run | undefined,
  { label, isReady: hasInput = true, start }: RunStart,
): TemplateResult {
  const isReady = hasInput && app.isReady;
  const isStopped = run?.status === 'paused';
  const begin = (event: Event): void => {
    if (!isReady) return;
    start();
    showPicture(event.currentTarget as HTMLElement);
  };
  const startOver = (event: Event): void => {
    begin(event);
    // This button goes away.
    (event.currentTarget as HTMLElement).parentElement?.querySelector<HTMLElement>('.primary')?.focus();
  };
  const another = (event: Event): void => {
    if (!isReady) return;
    takeSeed(app);
    begin(event);
  };
  const main = mainAction(app, run, { label, begin });
  return html`<div class="buttons">
    <button
      type="button"
      class="primary"
      aria-disabled=${main.act === begin && !isReady}
      @click=${(event: MouseEvent) => {
        // The second click of a double click is not meant for what the button has become.
        if (event.detail < 2) main.act(event);
      }}
      @keydown=${(event: KeyboardEvent) => event.repeat && event.key === 'Enter' && event.preventDefault()}
    >
      ${main.text}
    </button>
    ${
      isStopped
        ? html`<button type="button" aria-disabled=${!isReady} @click=${startOver}>Start over</button>`
        : html`<button type="button" aria-disabled=${!isReady} title="With another seed" @click=${another}>Another</button>`
    }
  </div>`;
}

function mainAction(
  app: App,
  run: Run | undefined,
  { label, begin }: { label: string; begin: (event: Event) => void },
) {
  switch (run?.status) {
    case 'preparing':
    case 'running':
      return { text: 'Stop', act: () => app.steer('pause', run) };
    case 'paused':
      return { text: 'Resume', act: () => app.steer('resume', run) };
    default:
      return { text: label, act: begin };
  }
}

/** Scrolls to the picture if less than half of it is visible. */
function showPicture(button: HTMLElement): void {
  const picture = button.closest('.workbench')?.querySelector('.tokens');
  if (!picture) return;
  const { top, bottom, height } = picture.getBoundingClientRect();
  if (Math.min(bottom, innerHeight) - Math.max(top, 0) < height / 2) picture.scrollIntoView({ block: 'nearest' });
}

/** Status of a run as text. @param ready Text before the first run. */
export function statusOf({ state, info }: App, run: Run | undefined, ready: string): string {
  if (state.model.status === 'loading') return 'Loading the model onto your device';
  if (!run) return ready;
  const { blockSize: length } = info;
  const done = Math.min(...run.drawings.map(({ tokens }) => tokens.length));
  switch (run.status) {
    case 'preparing':
      return 'Getting ready';
    case 'running':
      // Not for each token: a screen reader would read them all.
      return 'Drawing';
    case 'paused':
      return run.drawings.length > 0 ? `Stopped after ${done} of ${quantity(length, 'token')}` : 'Stopped';
    case 'finished':
      return 'Finished';
    case 'ended':
      return 'Ended';
  }
}
