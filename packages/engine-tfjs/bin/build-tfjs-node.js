#!/usr/bin/env node
// Compiles the native library of an installed @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu, where its install script
// cannot download one: behind firewalls, on processors without a prebuilt one, or against another TensorFlow.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const usage = `build-tfjs-node --libtensorflow PATH [--package FOLDER] [--node-headers FOLDER]

  --libtensorflow PATH   folder of TensorFlow: 'tensorflow' in the site-packages of pip, or an unpacked libtensorflow
                         archive with include/ and lib/
  --package FOLDER       package that gets the library (default: the installed @tensorflow/tfjs-node)
  --node-headers FOLDER  folder with include/node/node_api.h (default: that of this Node, then /usr)

It needs a C++ compiler, make and Python 3. The library refers to PATH, so keep that folder.
`;

/** Version of Node-API that the package asks for. */
const napi = 8;

/** Names that the linker looks for, per platform, and names of the library in archives and in pip's packages. */
const platforms = {
  linux: {
    libraries: { 'libtensorflow.so': ['libtensorflow.so.2', 'libtensorflow.so', 'libtensorflow_cc.so.2'] },
    framework: { 'libtensorflow_framework.so': ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'] },
  },
  darwin: {
    libraries: { 'libtensorflow.2.dylib': ['libtensorflow.2.dylib', 'libtensorflow_cc.2.dylib'] },
    framework: { 'libtensorflow_framework.2.dylib': ['libtensorflow_framework.2.dylib'] },
  },
};

/** Error that is printed without its stack. */
class Refusal extends Error {}

const refuse = (expected, got, remedy) => {
  throw new Refusal(`build-tfjs-node: expected ${expected}, got ${got}. ${remedy}`);
};

function main(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      libtensorflow: { type: 'string' },
      package: { type: 'string' },
      'node-headers': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const names = platforms[process.platform];
  if (names === undefined) refuse('Linux or macOS', process.platform, `On Windows, run the package's install script.`);
  if (values.libtensorflow === undefined) refuse('--libtensorflow PATH', 'none', 'Run with --help for the options.');

  const tensorflow = findTensorFlow(resolve(values.libtensorflow), names);
  const folder = findPackage(values.package);
  const nodedir = findNodeHeaders(values['node-headers']);
  for (const [name, commands, remedy] of tools) requireTool(name, commands, remedy);

  linkTensorFlow(join(folder, 'deps'), tensorflow);
  compile(folder, nodedir);
  const version = tryOut(folder);
  process.stdout.write(`${join(folder, 'lib', `napi-v${napi}`, 'tfjs_binding.node')}: TensorFlow ${version}\n`);
}

/**
 * Finds headers and libraries of TensorFlow.
 * @returns Folder of the headers, folder of the libraries, and the target of each name that the linker looks for.
 */
function findTensorFlow(given, { libraries, framework }) {
  const header = 'tensorflow/c/eager/c_api.h';
  const places = [given, join(given, 'tensorflow')];
  const home = places.find((place) => existsSync(join(place, 'include', header)));
  if (home === undefined) {
    const got = existsSync(given)
      ? `a folder with ${readdirSync(given).slice(0, 5).join(', ') || 'no files'}`
      : 'nothing';
    refuse(
      `include/${header} in ${given}`,
      got,
      "Name the folder 'tensorflow' in the site-packages of pip, or an unpacked libtensorflow archive.",
    );
  }
  const folder = [join(home, 'lib'), home].find((place) => existsSync(place) && readdirSync(place).some(isLibrary));
  const links = Object.entries({ ...libraries, ...framework }).map(([name, candidates]) => {
    const found = folder && candidates.find((candidate) => existsSync(join(folder, candidate)));
    if (found === undefined) {
      refuse(
        `one of ${candidates.join(', ')} in ${home} or its lib`,
        'none',
        'Install TensorFlow 2 for this platform.',
      );
    }
    return [name, found];
  });
  return { include: join(home, 'include'), folder, links };
}

const isLibrary = (file) => /^libtensorflow\w*\.(so|\d+\.dylib|dylib)/.test(file);

/** Folder of the package that gets the library, with the dependencies that it loads. */
function findPackage(given) {
  const require = createRequire(join(process.cwd(), 'package.json'));
  const installed = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'].flatMap((name) =>
    (require.resolve.paths(name) ?? []).map((modules) => join(modules, name)),
  );
  const places = given === undefined ? installed : [resolve(given)];
  const folder = places.find((place) => existsSync(join(place, 'binding.gyp')));
  const remedy = 'Run npm install --ignore-scripts @tensorflow/tfjs-node.';
  if (folder === undefined) refuse('the package @tensorflow/tfjs-node', given ?? 'none installed here', remedy);
  const { name, dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const own = createRequire(join(realpathSync(folder), 'package.json'));
  const isThere = (dependency) => own.resolve.paths(dependency)?.some((place) => existsSync(join(place, dependency)));
  const missing = Object.keys(dependencies).filter((dependency) => !isThere(dependency));
  if (missing.length > 0) refuse(`the dependencies of ${name} in ${folder}`, `none of ${missing.join(', ')}`, remedy);
  return realpathSync(folder);
}

/** Folder with include/node/node_api.h. */
function findNodeHeaders(given) {
  const places = given === undefined ? [dirname(dirname(realpathSync(process.execPath))), '/usr'] : [resolve(given)];
  const found = places.find((place) => existsSync(join(place, 'include/node/node_api.h')));
  return (
    found ??
    refuse(
      `include/node/node_api.h in ${places.join(' or ')}`,
      'none',
      'Install the headers of Node (libnode-dev in Debian, or the archive of nodejs.org) and pass --node-headers.',
    )
  );
}

/** Programs that node-gyp runs. */
const tools = [
  ['a C++ compiler', [process.env.CXX ?? 'c++', 'g++', 'clang++'], 'Install one (g++, Xcode), or name it in CXX.'],
  ['make', [process.env.MAKE ?? 'make', 'gmake'], 'Install it.'],
  ['Python 3', [process.env.PYTHON ?? 'python3'], 'Install it, or name it in PYTHON.'],
];

function requireTool(name, commands, remedy) {
  const works = commands.some((command) => spawnSync(command, ['--version'], { shell: false }).status === 0);
  if (!works) refuse(name, `none (${commands.join(', ')})`, remedy);
}

/** Lets the package's `deps` refer to TensorFlow, under the names that linker and loader look for. */
function linkTensorFlow(deps, { include, folder, links }) {
  rmSync(deps, { recursive: true, force: true });
  mkdirSync(join(deps, 'lib'), { recursive: true });
  symlinkSync(include, join(deps, 'include'), 'dir');
  const own = readdirSync(folder).filter(isLibrary);
  const all = new Map([...own.map((file) => [file, file]), ...links]);
  for (const [name, target] of all) symlinkSync(join(folder, target), join(deps, 'lib', name));
}

/** Runs node-gyp: that of npm, or the newest. */
function compile(folder, nodedir) {
  const parts = {
    nodedir,
    module_name: 'tfjs_binding',
    module_path: `./lib/napi-v${napi}`,
    napi_build_version: `${napi}`,
  };
  const args = ['rebuild', ...Object.entries(parts).map(([name, value]) => `--${name}=${value}`)];
  const bundled = findNodeGyp();
  const [command, ...start] = bundled === undefined ? ['npx', '--yes', 'node-gyp'] : [process.execPath, bundled];
  // GNU's usual linker takes minutes for the symbols of pip's library.
  const isGoldThere = spawnSync('ld.gold', ['--version']).status === 0;
  const env = { ...process.env, LDFLAGS: process.env.LDFLAGS ?? (isGoldThere ? '-fuse-ld=gold' : '') };
  const { status, error } = spawnSync(command, [...start, ...args], { cwd: folder, env, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    refuse('node-gyp to compile the library', error?.message ?? `status ${status}`, 'Read its messages above.');
  }
}

function findNodeGyp() {
  const { npm_config_node_gyp: named, PATH = '' } = process.env;
  const npm = PATH.split(delimiter)
    .map((place) => join(place, 'npm'))
    .find((file) => existsSync(file));
  const bundled = npm && join(dirname(realpathSync(npm)), '../node_modules/node-gyp/bin/node-gyp.js');
  return [named, bundled].find((file) => file && existsSync(file));
}

/** Loads the package in another process and multiplies two matrices. @returns The version of TensorFlow. */
function tryOut(folder) {
  const program = `
    const util = require('node:util');
    util.isNullOrUndefined ??= (value) => value === null || value === undefined;
    util.isArray ??= Array.isArray;
    const tf = require(${JSON.stringify(folder)});
    const [product] = tf.matMul(tf.tensor([[2, 3]]), tf.tensor([[5], [7]])).dataSync();
    if (product !== 31) throw new Error('the product of two matrices is ' + product + ', not 31');
    process.stdout.write(tf.backend().binding.TF_Version);`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '2' };
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--eval', program], {
    env,
    encoding: 'utf8',
  });
  if (status !== 0) {
    const reason = /^\w*Error: (.*)$/m.exec(stderr)?.[1] ?? stderr.trim().split('\n').at(-1) ?? '';
    refuse(
      'the library to compute',
      reason || `the end of its process (${signal ?? status})`,
      'Check TensorFlow itself.',
    );
  }
  return stdout;
}

try {
  main(process.argv.slice(2));
} catch (error) {
  const isUsage = error.code?.startsWith('ERR_PARSE_ARGS');
  if (!isUsage && !(error instanceof Refusal)) throw error;
  process.stderr.write(isUsage ? `build-tfjs-node: ${error.message}\n\n${usage}` : `${error.message}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
