// Runs a task of the repository in any state of the clone: `node packages/dev/run.mjs <task> [arguments]`.
// Needs only Node and npm. It has no dependencies, because it installs them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { install } from './install.mjs';
import { executeNode, executePnpm, executeTool, root, say } from './process.mjs';
import { test } from './test.mjs';

/** Builds all packages, or those that `filters` select with their dependencies. */
async function build(filters = []) {
  say(`building ${filters.length > 0 ? 'the needed packages' : 'all packages'} ...`);
  const args = ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only', '--log-order=grouped', ...filters];
  return executePnpm(args, { quietStdout: true });
}

async function lint(args = []) {
  say('checking format and lint rules ...');
  const paths = args.some((argument) => !argument.startsWith('-')) ? [] : ['.'];
  return executeTool('@biomejs/biome', 'biome', ['check', ...args, ...paths]);
}

/** Checks which packages import which. */
async function boundaries() {
  say('checking imports between packages ...');
  const args = ['--config', 'packages/dev/dependency-rules.mjs', '--output-type', 'err-long', '--no-progress'];
  return executeTool('dependency-cruiser', 'depcruise', [...args, 'packages', 'examples']);
}

/** The page and its workers have different globals. */
const projects = [
  'tsconfig.json',
  'packages/playground/tsconfig.page.json',
  'packages/playground/tsconfig.worker.json',
];

async function typecheck(args = []) {
  say('checking types ...');
  let status = 0;
  for (const project of projects) {
    status = Math.max(status, await executeTool('typescript', 'tsc', ['--project', project, ...args]));
  }
  return status;
}

/** Builds a workspace package with its dependencies and runs one of its files. */
async function buildAndRun(folder, name, file, args) {
  if (!existsSync(join(root, folder, 'package.json'))) {
    say(`run: expected the package ${name} in ${folder}, got no package.json. Check out a version that has it.`);
    return 1;
  }
  const status = await build([`--filter=${name}...`]);
  if (status !== 0) return status;
  const path = join(folder, file);
  if (!existsSync(join(root, path))) {
    say(`run: expected the build to make ${path}, got nothing. Check tsup.config.ts in ${folder}.`);
    return 1;
  }
  return executeNode(path, args);
}

/** Updates the generated parts of Markdown files and builds the documentation site. */
async function docs(args) {
  const status = await executeNode('packages/docs/generate.mjs', []);
  return status === 0 ? executeNode('packages/docs/site.mjs', args) : status;
}

/** Model folder of @dpar/emoji. */
const emojiModel = 'packages/emoji/model';

const tasks = {
  build: (args) => build(args),
  // With a filter, only the build and the selected tests run.
  test: (args) => {
    const checks = [['build', () => build()]];
    if (args.length === 0) checks.push(['lint', () => lint()], ['types', () => typecheck()]);
    return test(checks, args);
  },
  demo: (args) => buildAndRun('examples/emoji', '@dpar/example-emoji', 'dist/main.js', args),
  pictures: (args) => buildAndRun('examples/emoji', '@dpar/example-emoji', 'dist/pictures/main.js', args),
  playground: (args) => buildAndRun('packages/cli', '@dpar/cli', 'bin/dpar.js', ['play', emojiModel, ...args]),
  bench: (args) => buildAndRun('examples/benchmarks', '@dpar/example-benchmarks', 'dist/main.js', args),
  'gpu-check': (args) => buildAndRun('examples/benchmarks', '@dpar/example-benchmarks', 'dist/gpu-check.js', args),
  tables: (args) => buildAndRun('examples/paper-tables', '@dpar/example-paper-tables', 'dist/main.js', args),
  docs: (args) => docs(args),
  lint: async (args) => Math.max(await lint(args), await boundaries(), await typecheck()),
  typecheck: (args) => typecheck(args),
  format: (args) => lint(['--write', ...args]),
  kernels: (args) => executeNode('packages/dev/kernels.mjs', args),
  runtimes: (args) => buildAndRun('packages/cli', '@dpar/cli', '../dev/runtimes.mjs', args),
  changeset: (args) => executeTool('@changesets/cli', 'changeset', args),
  'release:version': () => executeNode('packages/dev/release-version.mjs', []),
  // Changesets publishes with the pnpm on the PATH, where pnpm puts itself.
  'release:publish': async (args) => {
    const status = await build();
    return status === 0 ? executePnpm(['exec', 'changeset', 'publish', ...args]) : status;
  },
};

async function main([name, ...args]) {
  const major = Number.parseInt(process.versions.node, 10);
  if (major < 20) {
    say(`run: expected Node 20 or later, got ${process.versions.node}. Install a newer one.`);
    return 1;
  }
  const task = tasks[name];
  if (task === undefined) {
    say(`run: expected one of ${Object.keys(tasks).join(', ')}, got '${name ?? ''}'.`);
    return 2;
  }
  return (await install()) ? task(args) : 1;
}

process.exitCode = await main(process.argv.slice(2));
