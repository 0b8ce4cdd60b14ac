import type { TypeDocOptions } from 'typedoc';

/** Entry points of the published packages, by name as users import them: '@dpar/io/node' to its source. */
export const entryPoints: ReadonlyMap<string, string>;

declare const options: TypeDocOptions;
export default options;
