import { pathToFileURL } from 'node:url';
import { bundle } from '@dpar/config/bundle';
import { temporaryFolder } from '@dpar/config/temporary-folder';

/** The program of a worker thread, bundled from its source. @param name Of the file in `src`. */
export async function builtWorker(name: string): Promise<URL> {
  return pathToFileURL(await bundle(new URL(`../${name}.ts`, import.meta.url), await temporaryFolder()));
}
