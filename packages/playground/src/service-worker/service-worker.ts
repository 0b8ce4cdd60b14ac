import { responseHeaders } from '../security.js';

declare const self: ServiceWorkerGlobalScope;

/** The files of this page; `writePage` puts them in. */
const { version, files } = '__PRECACHE__' as unknown as { readonly version: string; readonly files: readonly string[] };

const prefix = 'dpar-playground-';
const cacheName = prefix + version;

/**
 * Copies a response with the headers that make the page cross-origin isolated, for servers that cannot send them. A
 * redirected response itself must not answer a navigation.
 */
function withHeaders({ body, status, statusText, headers }: Response): Response {
  const extended = new Headers(headers);
  for (const [name, value] of Object.entries(responseHeaders)) extended.set(name, value);
  return new Response(body, { status, statusText, headers: extended });
}

/** Fetches and stores all files, or none if one is missing. The browser still has most of them from loading the page. */
async function precache(): Promise<void> {
  const responses = await Promise.all(
    files.map(async (file) => {
      const response = await fetch(file);
      if (!response.ok) throw new Error(`service worker: expected the file '${file}', got status ${response.status}.`);
      return [file, withHeaders(response)] as const;
    }),
  );
  const cache = await caches.open(cacheName);
  await Promise.all(responses.map(([file, response]) => cache.put(file, response)));
}

async function removeOldCaches(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(prefix) && name !== cacheName).map((n) => caches.delete(n)));
}

async function respond(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  const key = request.mode === 'navigate' ? 'index.html' : request;
  const kept = await cache.match(key, { ignoreSearch: true, ignoreVary: true });
  return kept ?? withHeaders(await fetch(request));
}

self.addEventListener('install', (event) => event.waitUntil(precache()));
self.addEventListener('activate', (event) => event.waitUntil(removeOldCaches().then(() => self.clients.claim())));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && new URL(request.url).origin === self.location.origin) {
    event.respondWith(respond(request));
  }
});
