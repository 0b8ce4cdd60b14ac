/** A workspace package, as far as the checks look at it. */
export interface WorkspacePackage {
  readonly name: string;
  readonly manifest: Manifest;
  readonly sources: readonly Source[];
}

/** The dependencies of a package.json. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A source file and what it imports. */
export interface Source {
  readonly file: string;
  readonly imports: readonly string[];
}

/** The library packages, ground floor first. Each may depend on those before it and on no other. */
export const floors: readonly string[] = [
  '@dpar/tensor',
  '@dpar/rope',
  '@dpar/patchify',
  '@dpar/io',
  '@dpar/shards',
  '@dpar/engine-ort',
  '@dpar/engine-tfjs',
  '@dpar/nn',
  '@dpar/entropy',
  '@dpar/model',
  '@dpar/tokenizer',
  '@dpar/sampler',
  '@dpar/train',
  '@dpar/eval',
  '@dpar/report',
  '@dpar/emoji',
  '@dpar/cli',
];

/** Private packages for development. They depend on no library package; libraries may have them as devDependencies. */
const tools = ['@dpar/check', '@dpar/config', '@dpar/dev', '@dpar/fixtures'];

/** A private package whose source is built into the packages that use it, so that it is a devDependency of theirs. */
const builtIn = '@dpar/check';

/** Packages that work alone: whoever installs one gets its code and its types without any other. */
const standalone = ['@dpar/rope', '@dpar/patchify', '@dpar/io', '@dpar/report'];

/** Packages whose code must also run in a browser, so that it may not import modules of Node. */
const portable = [
  ...['@dpar/tensor', '@dpar/rope', '@dpar/patchify', '@dpar/nn'],
  ...['@dpar/entropy', '@dpar/model', '@dpar/tokenizer', '@dpar/sampler', '@dpar/report'],
];

/**
 * What breaks the rules of the workspace, a sentence each; empty if nothing does.
 *
 * @param rootDependencies Names of the root's devDependencies, which all tests and settings may import.
 */
export function findViolations(packages: readonly WorkspacePackage[], rootDependencies: readonly string[]): string[] {
  return packages.flatMap((pkg) => [
    ...manifestViolations(pkg),
    ...pkg.sources.flatMap((source) => sourceViolations(pkg, source, rootDependencies)),
  ]);
}

/** Whether a file is part of the tests, and not of what users install. */
export function isTestFile(file: string): boolean {
  return /\.(test|bench)\.ts$|\/testing\//.test(file);
}

function manifestViolations({ name, manifest }: WorkspacePackage): string[] {
  const shipped = { ...manifest.dependencies, ...manifest.peerDependencies };
  const wrong: string[] = [];
  for (const dependency of Object.keys({ ...shipped, ...manifest.devDependencies }).filter(isOurs)) {
    if (!pointsDown(name, dependency)) wrong.push(`${name}: expected dependencies on lower floors, got ${dependency}.`);
    if (tools.includes(dependency) && dependency in shipped) {
      wrong.push(`${name}: expected ${dependency} among the devDependencies, got it as a dependency.`);
    }
  }
  return wrong;
}

function sourceViolations(
  { name, manifest }: WorkspacePackage,
  { file, imports }: Source,
  rootDependencies: readonly string[],
): string[] {
  const isTest = isTestFile(file);
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  const declared = new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }));
  if (isTest)
    for (const dev of [...Object.keys(manifest.devDependencies ?? {}), ...rootDependencies]) declared.add(dev);
  if (tools.includes(name)) for (const dev of Object.keys(manifest.devDependencies ?? {})) declared.add(dev);
  const wrong: string[] = [];
  for (const specifier of imports) {
    if (specifier.startsWith('.')) continue;
    if (specifier.startsWith('node:')) {
      if (portable.includes(name) && !isTest)
        wrong.push(`${file}: expected code that runs in a browser, got ${specifier}.`);
      continue;
    }
    const target = packageOf(specifier);
    if (target === builtIn && builtIn in (manifest.devDependencies ?? {})) continue;
    if (target !== name && !declared.has(target)) {
      wrong.push(`${file}: expected ${target} in package.json's dependencies or peerDependencies, got no such entry.`);
    }
    if (isOurs(target) && target !== name && standalone.includes(name) && !isTest) {
      wrong.push(`${file}: expected a package that works alone, got an import of ${target}.`);
    }
  }
  return wrong;
}

function pointsDown(from: string, to: string): boolean {
  if (tools.includes(to)) return from !== to;
  if (tools.includes(from)) return false;
  // Examples, which are not on a floor, stand above all.
  const floor = floors.includes(from) ? floors.indexOf(from) : floors.length;
  return floors.includes(to) && floors.indexOf(to) < floor;
}

const isOurs = (name: string): boolean => name.startsWith('@dpar/');

/** 'a/b' belongs to package 'a', '@a/b/c' to '@a/b'. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
