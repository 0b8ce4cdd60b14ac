// The API reference of all published packages: `npm run docs`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameModules } from './name-modules.js';

const packages = fileURLToPath(new URL('..', import.meta.url));

/** Entry points of the published packages, by name as users import them: '@dpar/io/node' to its source. */
export const entryPoints = new Map(
  readdirSync(packages)
    .sort()
    .map((folder) => join(packages, folder))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .flatMap((folder) => {
      const { name, private: hidden, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (hidden) return [];
      return Object.entries(exports)
        .filter(([, target]) => typeof target === 'object')
        .map(([path, { default: file }]) => [
          join(name, path).replaceAll('\\', '/'),
          join(folder, file.replace('/dist/', '/src/').replace(/\.js$/, '.ts')),
        ]);
    }),
);

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: 'DPAR for TypeScript',
  entryPoints: [...entryPoints.values()],
  tsconfig: fileURLToPath(new URL('tsconfig.reference.json', import.meta.url)),
  readme: fileURLToPath(new URL('reference.md', import.meta.url)),
  out: fileURLToPath(new URL('output', import.meta.url)),
  basePath: packages,
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
