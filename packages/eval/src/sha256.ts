import { DparError } from '@dpar/tensor';

/**
 * SHA-256 in 64 hexadecimal digits, in Node and in browsers.
 * @throws DparError without Web Crypto, which browsers have on secure pages only.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (subtle === undefined) {
    throw new DparError('sha256: expected Web Crypto, got none. Serve the page by https or from localhost.');
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
