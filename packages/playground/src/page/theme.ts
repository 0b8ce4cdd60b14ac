import type { App } from './app.js';

const key = 'dpar-theme';

type Theme = 'light' | 'dark';

/** Current theme: the visitor's choice, or that of the system. */
export function shownTheme(app: App): Theme {
  return app.state.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
}

/** Restores the choice of an earlier visit; otherwise follows the system. */
export function startTheme(app: App): void {
  const stored = readChoice();
  if (stored) setTheme(app, stored);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => app.update(() => {}));
}

export function setTheme(app: App, theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(key, theme);
  } catch {
    // Without storage, the choice is kept until the page is closed.
  }
  app.set(app.state, { theme });
}

function readChoice(): Theme | undefined {
  try {
    const value = localStorage.getItem(key);
    return value === 'light' || value === 'dark' ? value : undefined;
  } catch {
    return undefined;
  }
}
