import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import sirv from 'sirv';
import { responseHeaders } from '../security.js';

/** Options of {@link servePage}. */
export interface ServeOptions {
  /** Port (default: any free port). */
  readonly port?: number;
  /** Sends {@link responseHeaders} (default: true). Without them it resembles a host of static files. */
  readonly headers?: boolean;
}

/** A server that runs. */
export interface PageServer {
  readonly url: string;
  /** Ends all connections and the server. */
  close(): Promise<void>;
}

/**
 * Serves the built page to this machine only, with compressed files if the browser accepts them.
 * @throws Error if the port is taken.
 */
export async function servePage(folder: string, { port = 0, headers = true }: ServeOptions = {}): Promise<PageServer> {
  const files = sirv(folder, {
    brotli: true,
    etag: true,
    setHeaders: (response, pathname) => {
      // Names of these files change with what they hold.
      const isHashed = pathname.startsWith('/assets/');
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
