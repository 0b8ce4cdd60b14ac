import { html, render } from 'lit-html';
import type { PageManifest } from '../manifest.js';
import { App } from './app.js';
import type { ModelClient } from './client.js';
import { FocusKeeper } from './focus.js';
import { keepFiles } from './offline.js';
import { failure, page, paintPage } from './page.js';
import { acceptImages } from './parts/drop-target.js';
import { onPointerChange } from './parts/pointer.js';
import type { Tab, TrainingPart } from './state.js';
import { startTheme } from './theme.js';

/** Renders the page in `root`, again after each change of its state. @param client Runs the model with one thread. */
export function showPage(root: HTMLElement, manifest: PageManifest, client: ModelClient): void {
  /** True if the next frame renders the page. */
  let isScheduled = false;
  let keepsFiles = false;

  const show = (): void => {
    isScheduled = false;
    focus.during(() => render(page(app), root));
    paintPage(app);
    // The service worker's downloads begin after the first entropy map.
    if (!keepsFiles && app.state.look.analysis) {
      keepsFiles = true;
      performance.mark('first-entropy-map');
      void keepFiles(app);
    }
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(show);
  };
  const app = new App(manifest, client, schedule, openTraining);

  const focus = new FocusKeeper(root, () => document.getElementById(`panel-${app.state.tab}`));
  startTheme(app);
  acceptImages(app);
  followAddress(app);
  addEventListener('hashchange', () => followAddress(app));
  onPointerChange(schedule);
  // Canvases have as many pixels as they are large on the screen.
  new ResizeObserver(schedule).observe(root);
  onResolutionChange(schedule);
  schedule();
}

/** Calls back when the window moves to a screen with other pixels, or is zoomed. */
function onResolutionChange(onChange: () => void): void {
  const current = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const changed = (): void => {
    onChange();
    onResolutionChange(onChange);
  };
  current.addEventListener('change', changed, { once: true });
}

/** Says in `root` why there is no model. */
export function showFailure(root: HTMLElement, message: string): void {
  render(html`<main>${failure(message)}</main>`, root);
}

/** Loads the program of the part that trains. */
async function openTraining(app: App): Promise<TrainingPart> {
  const { trainingPart } = await import('./train/part.js');
  return trainingPart(app);
}

/** Shows the part that the address names. */
function followAddress(app: App): void {
  const tab = location.hash.slice(1) as Tab;
  if (app.tabs.includes(tab)) app.showTab(tab);
}
