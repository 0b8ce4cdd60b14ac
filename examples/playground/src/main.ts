import { render } from 'lit-html';
import { App } from './page/app.js';
import { keepFiles } from './page/offline.js';
import { page, paintPage } from './page/page.js';
import { acceptImages } from './page/parts/drop-target.js';
import { type Tab, tabs } from './page/state.js';
import { startTheme } from './page/theme.js';

const root = document.getElementById('app') as HTMLElement;

/** Whether the next frame shows the state anew: once, however often it changed. */
let isScheduled = false;
let keepsFiles = false;

function show(): void {
  isScheduled = false;
  render(page(app), root);
  paintPage(app);
  // The service worker's downloads begin when the page has what it shows first.
  if (!keepsFiles && app.state.look.analysis) {
    keepsFiles = true;
    performance.mark('first-entropy-map');
    void keepFiles(app);
  }
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(show);
}

const app = new App(schedule);

function followAddress(): void {
  const tab = location.hash.slice(1) as Tab;
  if (tabs.includes(tab)) {
    app.update((state) => {
      state.tab = tab;
    });
  }
}

startTheme(app);
acceptImages(app);
followAddress();
addEventListener('hashchange', followAddress);
// Canvases have as many pixels as they are large on the screen.
new ResizeObserver(schedule).observe(root);
schedule();
