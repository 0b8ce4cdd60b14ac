// The API reference of all published packages: `npm run docs`.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publishedPackages, root } from '@dpar/config/published';
import { nameModules } from './name-modules.js';

/** Entry points of the published packages, by name as users import them: '@dpar/io/node' to its source. */
export const entryPoints = new Map(
  publishedPackages().flatMap(({ name, folder, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([path, { default: file }]) => [
        name + path.slice(1),
        join(root, folder, file.replace('/dist/', '/src/').replace(/\.js$/, '.ts')),
      ]),
  ),
);

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: 'DPAR for TypeScript',
  entryPoints: [...entryPoints.values()],
  tsconfig: fileURLToPath(new URL('tsconfig.reference.json', import.meta.url)),
  readme: fileURLToPath(new URL('reference.md', import.meta.url)),
  out: fileURLToPath(new URL('output', import.meta.url)),
  basePath: join(root, 'packages'),
  plugin: [(app) => nameModules(app, entryPoints)],
  // Types are checked by `npm run typecheck`.
  skipErrorChecking: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  disableGit: true,
  sourceLinkTemplate: 'https://github.com/dpar-ts/dpar/blob/main/packages/{path}#L{line}',
  hideGenerator: true,
  includeVersion: false,
  blockTags: ['@param', '@returns', '@throws', '@template', '@example', '@see', '@default', '@defaultValue'],
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  requiredToBeDocumented: [
    ...['Class', 'Constructor', 'Enum', 'Function', 'Interface', 'Method', 'TypeAlias', 'Variable'],
  ],
};
