import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Tarball } from './tarballs.js';

/** Package registry on this machine. */
export interface Registry {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/**
 * Serves packages like a registry, for package managers whose `.npmrc` names it for the scope `@dpar`. It has no other
 * packages.
 */
export async function serveRegistry(tarballs: readonly Tarball[]): Promise<Registry> {
  // Clients cache answers by address, and another run can get the same port.
  const digests = tarballs.map(({ bytes }) => createHash('sha512').update(bytes).digest('base64'));
  const base = `/${createHash('sha256').update(digests.join()).digest('hex').slice(0, 16)}/`;
  const server = createServer(({ url = '' }, response) => {
    const path = decodeURIComponent(url);
    const index = tarballs.findIndex(({ name }) => path === `${base}${name}` || path === `${base}${name}.tgz`);
    const tarball = tarballs[index];
    if (tarball === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    } else if (path.endsWith('.tgz')) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(tarball.bytes);
    } else {
      const { name, manifest } = tarball;
      const { version } = manifest;
      const dist = { tarball: `${address()}${name}.tgz`, integrity: `sha512-${digests[index]}` };
      const document = { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    }
  });
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: address(),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
