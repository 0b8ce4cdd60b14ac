// Rules for dependency-cruiser: which package may import which. `npm run lint` checks them. Undeclared and unused
// dependencies are found by knip (src/publish/dependencies.test.ts).

/** The published packages, lowest layer first. A package may import only packages before it. */
const layers = [
  'tensor',
  'rope',
  'patchify',
  'io',
  'shards',
  'images',
  'engine-ort',
  'engine-tfjs',
  'onnx',
  'eval',
  'nn',
  'entropy',
  'model',
  'tokenizer',
  'sampler',
  'train',
  'checkpoint',
  'report',
  'emoji',
  'pipeline',
  'playground',
  'cli',
];

/** Private packages for development. They import no published package. */
const tools = ['check', 'config', 'dev', 'fixtures'];

/** Packages that users can install without any other package of this repository. */
const standalone = ['rope', 'patchify', 'io', 'report'];

/** Packages into which everything that they import is built, so that they have devDependencies only. */
const bundled = ['playground'];

/** Packages that also run in a browser. */
const portable = [
  'tensor',
  'onnx',
  'rope',
  'patchify',
  'nn',
  'entropy',
  'model',
  'tokenizer',
  'sampler',
  'report',
  'pipeline',
];

/** Sources of the entries for Node in these packages. */
const forNode = '^packages/pipeline/src/(node\\.ts|disk/)';

const folders = (names) => `^packages/(${names.join('|')})/`;
const shipped = (names) => ({ path: `${folders(names)}src/`, pathNot: tests });
const tests = '\\.(test|bench)\\.ts$|/testing/';
/** Imports of packages of this repository, as resolved in a `node_modules` or, before the build, by name. */
const packages = (names) => `(^|/)@dpar/(${names.join('|')})(/|$)`;

const layerRules = layers.map((name, i) => ({
  name: `above-${name}`,
  comment: `packages/${name} may import only packages before it in 'layers'.`,
  from: { path: folders([name]) },
  to: { path: packages([...layers.slice(i + 1), 'docs', 'example-[^/]+']) },
}));

const rules = [
  ...layerRules,
  {
    name: 'above-tools',
    comment: 'Packages for development may import no published package.',
    from: { path: folders(tools) },
    to: { path: packages([...layers, 'docs', 'example-[^/]+']) },
  },
  {
    name: 'example-in-example',
    comment: 'An example may import no other example, only their shared kit.',
    from: { path: '^examples/' },
    to: { path: packages(['example-(?!kit/|kit$)[^/]+']) },
  },
  {
    name: 'unknown-package',
    comment: "Add the package to 'layers' or 'tools' in packages/dev/dependency-rules.mjs.",
    from: { path: '^packages/', pathNot: folders([...layers, ...tools, 'docs']) },
    to: {},
  },
  {
    name: 'relative-import-leaves-package',
    comment: 'Import another package by its name, and declare it in package.json.',
    from: { path: '^((packages|examples)/[^/]+)/' },
    to: { pathNot: '^$1/', dependencyTypes: ['local'] },
  },
  {
    name: 'development-only',
    comment: 'Sources that users install may import only dependencies, peerDependencies and optionalDependencies.',
    from: { path: '^(packages|examples)/[^/]+/src/', pathNot: `${tests}|${folders([...tools, ...bundled])}` },
    to: {
      // @dpar/check is built into the packages that use it, and so are the helpers of @dpar/config into examples.
      pathNot: packages(['check', 'config']),
      dependencyTypes: ['npm-dev'],
      dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
    },
  },
  {
    name: 'standalone',
    comment: 'This package works without other packages of the repository, also for its types.',
    from: shipped(standalone),
    to: { path: packages(['(?!check(/|$))[^/]+']) },
  },
  {
    name: 'portable',
    comment: 'This package also runs in a browser, so it may not import modules of Node.',
    from: { ...shipped(portable), pathNot: `${tests}|${forNode}` },
    to: { dependencyTypes: ['core'] },
  },
];

export default {
  forbidden: rules.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    tsPreCompilationDeps: true, // imports of types count
    preserveSymlinks: true, // a workspace package is found by its name in node_modules, not by its folder
    combinedDependencies: true, // the root's devDependencies are declared for all
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^[^/]+/[^/]+/(dist|output)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
