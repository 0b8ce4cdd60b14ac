import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A server for the current test. */
export interface TestServer {
  readonly url: string;
  /** Paths of the requests so far. */
  readonly requests: readonly string[];
}

/** An answer in place of a file. */
interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Types without which browsers do not run files. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/**
 * Serves folders for the current test.
 * @param folders Folders by the first part of the path.
 * @param answer Gives another answer than the file.
 */
export async function serve(
  folders: Readonly<Record<string, string>>,
  answer: (path: string) => Answer | undefined = () => undefined,
): Promise<TestServer> {
  const requests: string[] = [];
  const server = createServer(async ({ url = '/' }, response) => {
    requests.push(url);
    const [, folder = '', path = ''] = /^\/([^/]*)\/(.*)$/.exec(url) ?? [];
    const given = answer(url);
    const body = given?.body ?? (await readFile(join(folders[folder] ?? '/nowhere', path)).catch(() => undefined));
    const headers = given?.headers ?? {
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      'content-length': `${body?.length ?? 0}`,
    };
    // Without connections that are kept, none has been closed when it is used again.
    response
      .writeHead(given?.status ?? (body === undefined ? 404 : 200), { connection: 'close', ...headers })
      .end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
