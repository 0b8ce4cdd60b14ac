import { html, nothing, svg, type TemplateResult } from 'lit-html';
import type { ModelInfo } from '../model/model-info.js';
import { type App, threadLimit } from './app.js';
import { compareView, paintComparison } from './compare/compare.js';
import { generateView, paintGeneration } from './generate/generate.js';
import { lookView, paintLook } from './look/look.js';
import { gainsByReload } from './offline.js';
import type { Tab } from './state.js';
import { setTheme, shownTheme } from './theme.js';

interface Part {
  readonly title: string;
  readonly view: (app: App, info: ModelInfo) => TemplateResult;
  readonly paint: (app: App, info: ModelInfo) => void;
}

/** Parts of the page. The program of the one that trains is loaded when it is first shown. */
const parts: Readonly<Record<Tab, Part>> = {
  look: { title: 'Look', view: lookView, paint: paintLook },
  generate: { title: 'Generate', view: generateView, paint: paintGeneration },
  compare: { title: 'Compare', view: compareView, paint: paintComparison },
  train: {
    title: 'Train',
    view: ({ training }, info) => training?.view(info) ?? waiting('Loading the program that trains.'),
    paint: ({ training }) => training?.paint(),
  },
};

/** The whole page. */
export function page(app: App): TemplateResult {
  return html`<header class="top">
      <div class="brand">
        <img src="favicon.svg" alt="" width="34" height="34" />
        <h1 title=${app.manifest.title}>DPAR <span>${app.manifest.title}</span></h1>
      </div>
      <div class="tabs" role="tablist" aria-label="Parts" @keydown=${(event: KeyboardEvent) => moveTab(app, event)}>
        ${app.tabs.map((tab) => tabButton(app, tab))}
      </div>
      ${themeButton(app)}
    </header>
    ${problem(app)}
    <main>${app.tabs.map((tab) => panel(app, tab))}</main>
    ${footer(app)}`;
}

/** Paints the canvases of the part that is shown. */
export function paintPage(app: App): void {
  if (app.state.model.status !== 'failed') parts[app.state.tab].paint(app, app.info);
}

function tabButton(app: App, tab: Tab): TemplateResult {
  const isShown = app.state.tab === tab;
  return html`<button
    type="button"
    role="tab"
    id="tab-${tab}"
    aria-controls="panel-${tab}"
    aria-selected=${isShown}
    tabindex=${isShown ? 0 : -1}
    @click=${() => showTab(app, tab)}
  >
    ${parts[tab].title}
  </button>`;
}

function showTab(app: App, tab: Tab): void {
  history.replaceState(null, '', `#${tab}`);
  app.showTab(tab);
}

/** Arrow keys, Home and End move between tabs, as the ARIA pattern has it. */
function moveTab(app: App, event: KeyboardEvent): void {
  const { tabs } = app;
  const shown = tabs.indexOf(app.state.tab);
  const target = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  const tab = tabs[(target + tabs.length) % tabs.length] as Tab;
  showTab(app, tab);
  document.getElementById(`tab-${tab}`)?.focus();
}

function panel(app: App, tab: Tab): TemplateResult {
  const isShown = app.state.tab === tab;
  return html`<section id="panel-${tab}" role="tabpanel" tabindex="-1" aria-labelledby="tab-${tab}" ?hidden=${!isShown}>
    ${isShown ? content(app, tab) : nothing}
  </section>`;
}

function content(app: App, tab: Tab): TemplateResult {
  const { model } = app.state;
  return model.status === 'failed' ? failure(model.message) : parts[tab].view(app, app.info);
}

/** Text in place of something that is being loaded. */
function waiting(text: string): TemplateResult {
  return html`<div class="waiting" role="status">
    <div class="patches-moving" aria-hidden="true"><i></i><i></i><i></i><i></i><i></i><i></i></div>
    <p>${text}</p>
  </div>`;
}

/** Text in place of a model that could not be loaded. */
export function failure(message: string): TemplateResult {
  return html`<div class="waiting" role="alert">
    <h2>The model could not be loaded</h2>
    <p>${message}</p>
    <button type="button" class="primary" @click=${() => location.reload()}>Try again</button>
  </div>`;
}

function problem(app: App): TemplateResult {
  const { problem: message } = app.state;
  return html`<div role="alert" class="problem" ?hidden=${message === undefined}>
    ${
      message === undefined
        ? nothing
        : html`<p>${message}</p>
            <button
              type="button"
              class="quiet"
              @click=${() =>
                app.update((state) => {
                  delete state.problem;
                })}
            >
              Dismiss
            </button>`
    }
  </div>`;
}

function themeButton(app: App): TemplateResult {
  const isDark = shownTheme(app) === 'dark';
  const other = isDark ? 'light' : 'dark';
  return html`<button
    type="button"
    class="icon"
    aria-label="Use the ${other} theme"
    title="Use the ${other} theme"
    @click=${() => setTheme(app, other)}
  >
    <svg viewBox="0 0 24 24" aria-hidden="true">
      ${
        isDark
          ? svg`<circle cx="12" cy="12" r="4.5" /><path d="M12 2.5V5m0 14v2.500M2.5 12H5m14 0h2.500M5.3 5.300L7 7m10 10l1.7 1.700m0-13.400L17 7M7 17l-1.7 1.7" />`
          : svg`<path d="M20 14.500A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.500z" />`
      }
    </svg>
  </button>`;
}

/** One thread is the quickest for a small model: with more, they wait for each other between short operations. */
function threadsChoice(app: App): TemplateResult | typeof nothing {
  const limit = threadLimit();
  if (limit === 1) return nothing;
  return html`<label class="threads">
    Threads
    <select @change=${(event: Event) => app.useThreads((event.target as HTMLSelectElement).selectedIndex + 1)}>
      ${Array.from(
        { length: limit },
        (_, i) => html`<option .selected=${i + 1 === app.state.threads}>${i + 1}</option>`,
      )}
    </select>
  </label>`;
}

/** A text whose numbers and versions keep to one line with what they belong to: 'Apache-2.0'. */
const unbroken = (text: string): string =>
  text.replace(/-(?=\d)/g, '\u2011').replace(/ (?=\d)|(?<=\d) (?=\w)/g, '\u00a0');

function footer(app: App): TemplateResult {
  const { worksOffline, model } = app.state;
  return html`<footer>
    <p>
      Everything runs on your device; no picture leaves it.
      <span data-figure="engine">${model.status === 'ready' ? unbroken(model.engine) : 'Loading the engine'}</span>. ${threadsChoice(app)}
      ${worksOffline ? html`<span data-figure="offline">Ready to work offline.</span>` : nothing}
      ${
        gainsByReload(app)
          ? html`<button type="button" class="quiet" @click=${() => location.reload()}>Reload to allow threads</button>`
          : nothing
      }
    </p>
    <p>Method: <a href="https://arxiv.org/abs/2512.21867" rel="noreferrer">DPAR</a>. ${unbroken(app.manifest.credit ?? '')}</p>
  </footer>`;
}
