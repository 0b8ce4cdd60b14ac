import { manifestFile, type PageManifest } from '../manifest.js';

/**
 * Reads what the page shows, with whole addresses of its files in place of their paths.
 * @throws Error if the file is missing.
 */
export async function readManifest(): Promise<PageManifest> {
  const response = await fetch(manifestFile);
  if (!response.ok) throw new Error(`The file ${manifestFile} could not be loaded (status ${response.status}).`);
  const manifest = (await response.json()) as PageManifest;
  const placed = <F extends { readonly file: string }>(entry: F): F => ({
    ...entry,
    file: new URL(entry.file, document.baseURI).href,
  });
  const parts = Object.entries(manifest.parts).map(([name, { config, weights }]) => [
    name,
    { config, weights: weights.map(placed) },
  ]);
  return { ...manifest, parts: Object.fromEntries(parts), examples: manifest.examples.map(placed) };
}
