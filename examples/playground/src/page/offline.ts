import type { App } from './app.js';

/**
 * Lets a service worker keep all files, once the page has what it shows first. The page then starts without a network,
 * and on servers that send no headers of ours it gets them from the service worker at the next start.
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

/** Tells if a reload would allow threads. */
export function gainsByReload(app: App): boolean {
  return app.state.worksOffline && !globalThis.crossOriginIsolated && navigator.hardwareConcurrency > 1;
}
