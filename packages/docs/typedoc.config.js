// The documentation site: pages of all Markdown files and the API reference of all published packages (`npm run docs`).
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publishedPackages, root } from '@dpar/config/published';
import { OptionDefaults } from 'typedoc';
import { drawDiagrams } from './site/diagrams.js';
import { nameModules } from './site/modules.js';
import { addPages, repository } from './site/pages.js';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

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
  tsconfig: path('tsconfig.reference.json'),
  readme: 'none',
  out: path('output'),
  basePath: join(root, 'packages'),
  plugin: [(app) => nameModules(app, entryPoints), addPages],
  // Types are checked by `npm run typecheck`.
  skipErrorChecking: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  disableGit: true,
  sourceLinkTemplate: `${repository}/blob/main/packages/{path}#L{line}`,
  router: 'pages',
  headings: { readme: false, document: false },
  navigationLinks: { GitHub: repository },
  groupOrder: ['Guides', 'Packages', 'Examples', 'Decisions', 'Contributing'],
  navigation: { includeGroups: true },
  searchInDocuments: true,
  customCss: path('site/style.css'),
  favicon: join(root, 'packages/playground/public/favicon.svg'),
  locales: { en: { kind_module: 'Package', kind_plural_module: 'Packages' } },
  markdownItLoader: drawDiagrams,
  highlightLanguages: [...OptionDefaults.highlightLanguages, 'python'],
  includeHierarchySummary: false,
  logLevel: 'Warn',
  hideGenerator: true,
  includeVersion: false,
  blockTags: ['@param', '@returns', '@throws', '@template', '@example', '@see', '@default', '@defaultValue'],
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  requiredToBeDocumented: [
    ...['Class', 'Constructor', 'Enum', 'Function', 'Interface', 'Method', 'TypeAlias', 'Variable'],
  ],
};
