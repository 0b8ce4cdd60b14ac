import { fileURLToPath } from 'node:url';

/** Folder of the built page without a model, from the sources as from the build. */
export const builtPage = fileURLToPath(new URL('../dist/page', import.meta.url));
