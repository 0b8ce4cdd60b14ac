import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage } from '@arethetypeswrong/core';
import { findChromium } from '@dpar/config/chromium';
import { publishedPackages, root } from '@dpar/config/published';
import { randomImages, writePngs } from '@dpar/fixtures';
import { transform } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runOrThrow } from '../publish/commands.js';
import { type Registry, serveRegistry } from '../publish/registry.js';
import { packAll, type Tarball } from '../publish/tarballs.js';
import { type Example, firstExample, inTypeScript } from '../readme/examples.js';
import { coveredElsewhere, preparations } from '../readme/plan.js';
import { type Program, readmePrograms } from '../readme/programs.js';
import { buildPage, runPage } from './browser.js';
import { createProject, hasRegistry, type PackageManager, type Project, runner, runPrograms } from './project.js';
import { compile, resolutions } from './typescript.js';

const packages = publishedPackages();
const examples = packages.map(firstExample);
const programs = examples.filter(({ isCommand }) => !isCommand);
const minutes = 60_000;

// Tests from here on are left out, and say so, where something is missing.
const isOnline = await hasRegistry(root);
if (!isOnline) console.warn('[packed] No npm registry answers: the projects that install packages are left out.');

let folder: string;
let tarballs: Tarball[];
let registry: Registry;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-packed-'));
  tarballs = await packAll(packages, folder);
  registry = await serveRegistry(tarballs);
}, 5 * minutes);

afterAll(async () => {
  await registry?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Writes the pictures that the first example of @dpar/images reads. */
const writePhotos = (folder: string): Promise<unknown> =>
  writePngs(join(folder, 'photos'), randomImages(6, 1, 100, 80), (i) => `${i % 2 ? 'dog' : 'cat'}/${i}.png`);

const tarballOf = (name: string): Tarball => tarballs.find((tarball) => tarball.name === name)!;

describe.each(packages)('the tarball of $name', ({ name }) => {
  it('has code with types, maps, README, license and nothing else', () => {
    const { files } = tarballOf(name);
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']),
    );
    const wanted =
      /^(LICENSE|README\.md|package\.json|dist\/(thread\/)?[\w-]+(\.js|\.js\.map|\.d\.ts)|bin\/[\w-]+\.js|dist\/page\/[\w/.-]+|cluster\/[\w.]+|model\/[\w/.-]+)$/;
    expect(files.filter((file) => !wanted.test(file))).toEqual([]);
  });

  it('names versions of the other packages that are those published with it', () => {
    const { manifest } = tarballOf(name);
    const ranges = { ...manifest.dependencies, ...manifest.peerDependencies };
    const ours = Object.entries(ranges).filter(([dependency]) => dependency.startsWith('@dpar/'));
    expect(ours.filter(([, range]) => range !== `^${manifest.version}`)).toEqual([]);
  });

  it('has no fault that publint knows', async () => {
    const { bytes, manifest } = tarballOf(name);
    const { messages } = await publint({ pack: { tarball: bytes.slice().buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
  });

  it('has types that TypeScript finds and that say what the code is', async () => {
    const analysis = await checkPackage(tarballOf(name).contents);
    if (!analysis.types) throw new Error('expected types, got none.');
    // ES modules alone: CommonJS gets them by require() where Node can do that, TypeScript's node10 knows no exports.
    const problems = analysis.problems.filter(
      (problem) => !('resolutionKind' in problem) || !['node10', 'node16-cjs'].includes(problem.resolutionKind),
    );
    expect(problems).toEqual([]);
  });
});

describe.skipIf(!isOnline).each<PackageManager>(['npm', 'pnpm'])('a fresh project with %s', (manager) => {
  let project: Project;

  beforeAll(async () => {
    project = await createProject(manager, registry.url);
    const named = examples.flatMap(({ install }) => install);
    const complaints = await project.install([...new Set(named), '@types/node@20']);
    expect(complaints).not.toMatch(/\b(unmet|missing peer|ERESOLVE|EBADENGINE|deprecated)\b/i);
    await project.write('runner.mjs', runner);
    await writePhotos(project.folder);
  }, 10 * minutes);

  afterAll(() => project?.remove());

  const expectOutputs = (outputs: readonly string[], of: readonly Example[]): void => {
    const named = (texts: readonly string[]) => Object.fromEntries(of.map(({ name }, i) => [name, texts[i]]));
    expect(named(outputs)).toEqual(named(of.map(({ expected }) => expected)));
    expect(of.filter(({ expected }) => expected === '')).toEqual([]);
  };

  it(
    "prints what the READMEs' first examples say",
    async () => {
      const write = ({ name, code }: Example) => project.write(`${name.split('/')[1]}.mjs`, code);
      const files = await Promise.all(programs.map(write));
      expectOutputs(await runPrograms(project.folder, files), programs);
    },
    5 * minutes,
  );

  it(
    'has the commands that the READMEs show',
    async () => {
      const commands = examples.filter(({ isCommand }) => isCommand);
      const outputs = await Promise.all(
        commands.map(({ code }) => runOrThrow('npx', code.split(' ').slice(1), project.folder)),
      );
      expectOutputs(
        outputs.map((output) => output.trimEnd()),
        commands,
      );
    },
    minutes,
  );

  it('has one copy of each of our packages', async () => {
    const seen =
      manager === 'npm' ? await findCopies(join(project.folder, 'node_modules')) : await readPnpmCopies(project.folder);
    expect(seen.filter((name, i) => seen.indexOf(name) !== i)).toEqual([]);
    expect(new Set(seen)).toEqual(new Set(packages.map(({ name }) => name)));
  });

  // What follows asks about code and files, which both install alike.
  const withNpm = manager === 'npm' ? it : it.skip;

  withNpm(
    'prints what the other blocks of the READMEs say',
    async () => {
      const others = readmePrograms().filter(
        ({ name, code }) => !(name in coveredElsewhere) && !programs.some((first) => first.code === code),
      );
      expect(others.map(({ name }) => name)).toContain('README.md 1');
      const write = async ({ name, code }: Program, i: number) =>
        project.write(
          `block${i}.mjs`,
          (await transform(`${preparations[name] ?? ''}\n${code}`, { loader: 'ts' })).code,
        );
      const outputs = await runPrograms(project.folder, await Promise.all(others.map(write)));
      for (const [i, { name, expected }] of others.entries()) {
        if (expected === '') expect(outputs[i], name).not.toContain('Error');
        else expect(outputs[i], name).toBe(expected);
      }
    },
    300_000,
  );

  withNpm.each(Object.keys(resolutions) as (keyof typeof resolutions)[])(
    'compiles in TypeScript as %s',
    async (resolution) => {
      const write = ({ name, code }: Example) => project.write(`ts/${name.split('/')[1]}.ts`, inTypeScript(code));
      await Promise.all(programs.map(write));
      expect(await compile(project, resolution)).toEqual([]);
      // Bundlers resolve the imports themselves.
      if (resolution === 'bundler') return;
      const compiled = join(project.folder, `out-${resolution}`);
      const files = programs.map(({ name }) => join(compiled, `${name.split('/')[1]}.js`));
      await writePhotos(compiled);
      expectOutputs(await runPrograms(project.folder, files, compiled), programs);
    },
    10 * minutes,
  );

  withNpm(
    'loads by require() where Node can do that',
    async ({ skip }) => {
      const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
      if (major < 20 || (major === 20 && minor < 17) || major === 21) {
        console.warn(`[packed] Node ${process.versions.node} cannot require() ES modules: this test is left out.`);
        skip();
      }
      const code = `const names = ${JSON.stringify(packages.map(({ name }) => name))};
      process.stdout.write(JSON.stringify(names.filter((name) => Object.keys(require(name)).length === 0)));`;
      const flags = major >= 24 ? [] : ['--experimental-require-module', '--no-warnings'];
      const file = await project.write('require.cjs', code);
      expect(await runOrThrow(process.execPath, [...flags, file], project.folder)).toBe('[]');
    },
    minutes,
  );

  withNpm(
    'builds with Vite and runs in a browser',
    async () => {
      const forBrowsers = programs.filter(
        ({ code }) => !/from '[^']*(\/node|engine-ort|engine-tfjs|shards)'/.test(code),
      );
      expect(forBrowsers.length).toBeGreaterThanOrEqual(8);
      const page = await buildPage(
        project,
        forBrowsers.map(({ code }) => code),
      );
      expect((await readdir(page)).sort()).toEqual(['assets', 'index.html']);
      const chromium = findChromium();
      if (chromium === undefined) {
        console.warn('[packed] No Chromium: the page is built and not opened. CHROMIUM_PATH names one.');
        return;
      }
      expectOutputs(await runPage(page, chromium), forBrowsers);
    },
    5 * minutes,
  );
});

describe.skipIf(!isOnline)('a project with one package alone', () => {
  it.each(['@dpar/rope', '@dpar/patchify', '@dpar/eval', '@dpar/io', '@dpar/shards', '@dpar/report'])(
    'runs the first example of %s',
    async (name) => {
      const project = await createProject('npm', registry.url);
      try {
        await project.install([name]);
        await project.write('runner.mjs', runner);
        await writePhotos(project.folder);
        const { code, expected } = programs.find((example) => example.name === name)!;
        expect(await runPrograms(project.folder, [await project.write('example.mjs', code)])).toEqual([expected]);
        const tensor = (await findCopies(join(project.folder, 'node_modules'))).includes('@dpar/tensor');
        expect(tensor).toBe(name === '@dpar/eval');
      } finally {
        await project.remove();
      }
    },
    2 * minutes,
  );
});

// Only there does the install script of onnxruntime-node download anything.
const downloads = process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!isOnline || !downloads)('an installation with install scripts, behind a firewall', () => {
  it(
    'has the command, which says how to get the engine',
    async () => {
      const project = await createProject('npm', registry.url);
      const npm = (...args: string[]) =>
        // A proxy that does not answer stands for the firewall.
        run(
          'env',
          ['-u', 'ONNXRUNTIME_NODE_INSTALL', 'GLOBAL_AGENT_HTTPS_PROXY=http://127.0.0.1:9', 'npm', ...args],
          project.folder,
        );
      const dpar = async (...args: string[]) =>
        JSON.parse(await runOrThrow('npx', ['dpar', ...args, '--json'], project.folder));
      try {
        await project.write('.npmrc', `@dpar:registry=${registry.url}\naudit=false\nfund=false\n`);
        const installed = await npm('install', '@dpar/cli');
        expect(installed.status, installed.stderr).toBe(0);
        expect((await dpar('flops')).dpar_gmacs).toBeGreaterThan(19);
        const [ort] = (await dpar('info')).engines;
        // An npm that runs no install scripts has it already.
        if (!ort.available) {
          expect(ort.hint).toBe('npm install --onnxruntime-node-install=skip onnxruntime-node');
          expect((await npm(...ort.hint.split(' ').slice(1))).status).toBe(0);
        }
        expect((await dpar('info')).engines[0].available).toBe(true);
      } finally {
        await project.remove();
      }
    },
    5 * minutes,
  );
});

/** Our packages in a `node_modules` folder and those inside of it. */
async function findCopies(modules: string): Promise<string[]> {
  const entries = await readdir(modules, { recursive: true, encoding: 'utf8' });
  return entries.flatMap(
    (path) => /(?:^|node_modules[\\/])(@dpar[\\/][\w-]+)$/.exec(path)?.[1]?.replace('\\', '/') ?? [],
  );
}

/** Our packages in pnpm's store of a project: a folder for each version and set of peers. */
async function readPnpmCopies(project: string): Promise<string[]> {
  const entries = await readdir(join(project, 'node_modules', '.pnpm'));
  return entries.flatMap((entry) => /^@dpar\+([\w-]+)@/.exec(entry)?.[1] ?? []).map((name) => `@dpar/${name}`);
}
