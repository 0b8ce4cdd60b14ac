import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { KindsOf } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import sirv from 'sirv';
import { responseHeaders } from '../security.js';
import { checkArguments } from './check-arguments.js';
import { isNamedByContent } from './page-files.js';

/** Options of {@link servePage}. */
export interface ServeOptions {
  /** Port (default: 0, any free port). */
  readonly port?: number | undefined;
  /**
   * Sends headers that make the page cross-origin isolated, which threads need, and its security policy (default: true).
   * Without them the server resembles a host of static files.
   */
  readonly headers?: boolean | undefined;
}

const serveOptionsKinds: KindsOf<ServeOptions> = { 'port?': 'number', 'headers?': 'boolean' };

/** A running server. */
export interface PageServer {
  /** Address of the page. */
  readonly url: string;
  /** Ends all connections and the server. */
  close(): Promise<void>;
}

/**
 * Serves a page to this machine only, with compressed files if they are there and the browser accepts them.
 * @param folder Folder of {@link writePage}.
 * @throws DparError if there is no page, or the port is taken.
 */
export async function servePage(folder: string, options: ServeOptions = {}): Promise<PageServer> {
  checkArguments('servePage', { folder, options }, { folder: 'string', 'options?': serveOptionsKinds });

  const { port = 0, headers = true } = options;
  if (!existsSync(join(folder, 'index.html'))) {
    throw new DparError(
      `servePage: expected a page in '${folder}', got none. Write one with 'writePage' or 'dpar page'.`,
    );
  }
  const files = sirv(folder, {
    brotli: true,
    etag: true,
    setHeaders: (response, pathname) => {
      const isHashed = isNamedByContent(pathname.slice(1));
      response.setHeader('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      if (headers) for (const [name, value] of Object.entries(responseHeaders)) response.setHeader(name, value);
    },
  });
  const server = createServer((request, response) =>
    files(request, response, () => {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found');
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    throw new DparError(
      `servePage: expected a free port, got ${port}: ${refusals[error.code ?? ''] ?? error.message}`,
      {
        cause: error,
      },
    );
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Reasons why a port cannot be used, with remedies. */
const refusals: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses it. Choose another port, or 0 for any free one.',
  EACCES: 'permission denied. Choose a port from 1024 up.',
};
