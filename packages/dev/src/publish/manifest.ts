import type { PackageManifest } from '@dpar/config/published';

/** Large or stateful packages, of which a program must have one copy. Users install them. */
const broughtByUsers = /^(@dpar\/tensor|onnxruntime-(node|web)|@tensorflow\/.*|sharp)$/;

/** Applications, which install everything they need. */
const applications = ['@dpar/cli'];

/**
 * Finds the faults of a published package's package.json.
 *
 * @param folder The package's folder, relative to the repository's root.
 * @returns One sentence for each fault.
 */
export function manifestFaults(manifest: PackageManifest, folder: string): string[] {
  const home = 'https://github.com/dpar-ts/dpar';
  const expected: Record<string, unknown> = {
    type: 'module',
    license: 'Apache-2.0',
    homepage: `${home}/tree/main/${folder}#readme`,
    bugs: `${home}/issues`,
    repository: { type: 'git', url: `git+${home}.git`, directory: folder },
    engines: { node: '>=20' },
    publishConfig: { access: 'public', provenance: true },
    types: './dist/index.d.ts',
  };
  const faults = Object.entries(expected)
    .filter(([key, value]) => JSON.stringify(manifest[key]) !== JSON.stringify(value))
    .map(([key, value]) => `${key}: expected ${JSON.stringify(value)}, got ${JSON.stringify(manifest[key])}.`);
  const { description, keywords } = manifest;
  if (typeof description !== 'string' || description.length < 20) faults.push('description: expected a sentence.');
  if (!Array.isArray(keywords) || keywords.length < 3) faults.push('keywords: expected three or more.');
  if (!manifest.files.includes('dist')) faults.push("files: expected 'dist' among them.");
  return [...faults, ...exportFaults(manifest), ...sideEffectFaults(manifest), ...peerFaults(manifest)];
}

function exportFaults({ exports }: PackageManifest): string[] {
  if (exports['.'] === undefined) return ["exports: expected an entry '.'."];
  return Object.entries(exports).flatMap(([path, target]) => {
    // Plain files: package.json and weights.
    if (typeof target === 'string') return [];
    const conditions = Object.keys(target);
    if (conditions.join() !== 'types,default')
      return [`exports['${path}']: expected types, then default, got ${conditions}.`];
    const name = path === '.' ? 'index' : path.slice(2);
    const isRight = target.types === `./dist/${name}.d.ts` && target.default === `./dist/${name}.js`;
    return isRight ? [] : [`exports['${path}']: expected ./dist/${name}.d.ts and .js, got ${JSON.stringify(target)}.`];
  });
}

// Bundlers drop unused modules without side effects. Programs and workers run for their side effects.
function sideEffectFaults({ sideEffects, exports, bin = {} }: PackageManifest): string[] {
  if (sideEffects === false) return [];
  if (!Array.isArray(sideEffects)) return ['sideEffects: expected false or a list of files.'];
  const entries = Object.values(exports).map((target) => (typeof target === 'string' ? target : target.default));
  const programs = [...Object.values(bin), './dist/main.js'];
  return sideEffects
    .filter((file) => entries.includes(file) || !(programs.includes(file) || /-worker\.js$/.test(file)))
    .map((file) => `sideEffects: expected programs and workers only, got ${file}.`);
}

function peerFaults({
  name,
  dependencies = {},
  peerDependencies = {},
  peerDependenciesMeta = {},
}: PackageManifest): string[] {
  const faults: string[] = [];
  if (!applications.includes(name)) {
    for (const dependency of Object.keys(dependencies).filter((key) => broughtByUsers.test(key))) {
      faults.push(`dependencies: expected ${dependency} among the peerDependencies, so that a program has one copy.`);
    }
  }
  for (const peer of Object.keys(peerDependenciesMeta)) {
    if (!(peer in peerDependencies)) faults.push(`peerDependenciesMeta: expected ${peer} among the peerDependencies.`);
  }
  // Users choose among alternatives such as the runtimes. The tensor interface is always needed, and npm installs it.
  for (const peer of Object.keys(peerDependencies)) {
    const isOptional = peerDependenciesMeta[peer]?.optional === true;
    if (isOptional === (peer === '@dpar/tensor')) {
      faults.push(`peerDependencies: expected ${peer} to be ${isOptional ? 'required' : 'optional'}.`);
    }
  }
  return faults;
}
