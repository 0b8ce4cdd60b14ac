import type { App } from './app.js';

/**
 * Lets a service worker keep all files, after the first view of the page has loaded. The page then works offline. If
 * the server does not send the headers for threads, the service worker adds them from the next visit on.
 */
export async function keepFiles(app: App): Promise<void> {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return;
  try {
    await navigator.serviceWorker.register('service-worker.js');
    await navigator.serviceWorker.ready;
    app.set(app.state, { worksOffline: true });
  } catch {
    // Some browsers refuse this in private windows: the page then does not work offline.
  }
}

/** True if a reload would allow threads. */
export function gainsByReload(app: App): boolean {
  return app.state.worksOffline && !globalThis.crossOriginIsolated && navigator.hardwareConcurrency > 1;
}
