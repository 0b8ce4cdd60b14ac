import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../bin/build-tfjs-node.js', import.meta.url));

function build(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const options = { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], options);
  return { status, stdout, stderr: stderr.trim() };
}

/** A folder with empty files. */
async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

const header = 'include/tensorflow/c/eager/c_api.h';
const library = process.platform === 'darwin' ? 'libtensorflow.2.dylib' : 'libtensorflow_cc.so.2';
const framework = process.platform === 'darwin' ? 'libtensorflow_framework.2.dylib' : 'libtensorflow_framework.so.2';
const complete = { [`tf/${header}`]: '', [`tf/lib/${library}`]: '', [`tf/lib/${framework}`]: '' };
const manifest = (dependencies: object) => JSON.stringify({ name: '@tensorflow/tfjs-node', dependencies });
const installed = (dependencies: object) => ({ 'own/binding.gyp': '{}', 'own/package.json': manifest(dependencies) });

describe.skipIf(process.platform === 'win32')('build-tfjs-node', () => {
  it('shows its options, and refuses unknown ones', async () => {
    const folder = await temporaryFolder();
    expect(build(folder, ['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('--libtensorflow') });
    expect(build(folder, ['--libtensorflou', 'tf'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/'--libtensorflou'[\s\S]*--libtensorflow PATH/),
    });
    expect(build(folder, []).stderr).toBe(
      'build-tfjs-node: expected --libtensorflow PATH, got none. Run with --help for the options.',
    );
  });

  it.each<[string, Record<string, string>, string]>([
    ['no folder', {}, `expected ${header} in FOLDER/tf, got nothing.`],
    ['no headers', { [`tf/lib/${library}`]: '' }, `expected ${header} in FOLDER/tf, got a folder with lib.`],
    ['no library', { [`tf/${header}`]: '' }, `${library} in FOLDER/tf or its lib, got none. Install TensorFlow 2`],
    ['no framework', { [`tf/${header}`]: '', [`tf/lib/${library}`]: '' }, `${framework}`],
    [
      'no package',
      complete,
      'expected the package @tensorflow/tfjs-node, got FOLDER/own. Run npm install --ignore-scripts',
    ],
    ['no dependencies', { ...complete, ...installed({ 'no-such-package': '1' }) }, 'got none of no-such-package.'],
    [
      'no headers of Node',
      { ...complete, ...installed({}) },
      'expected include/node/node_api.h in FOLDER/headers, got none.',
    ],
  ])('says what is missing: %s', async (_, files, message) => {
    const folder = await folderWith(files);
    const places = ['--package', join(folder, 'own'), '--node-headers', join(folder, 'headers')];
    const { status, stderr } = build(folder, ['--libtensorflow', join(folder, 'tf'), ...places]);
    expect(status).toBe(1);
    expect(stderr.replaceAll(folder, 'FOLDER')).toContain(message);
    expect(stderr.split('\n')).toHaveLength(1);
  });

  it('says that the compiler is missing, and does not touch the package', async () => {
    const headers = { 'headers/include/node/node_api.h': '' };
    const folder = await folderWith({ ...complete, ...installed({}), ...headers, 'own/deps/kept': '' });
    const places = ['--package', join(folder, 'own'), '--node-headers', join(folder, 'headers')];
    const env = { PATH: folder, CXX: 'no-such-compiler' };
    const { status, stderr } = build(folder, ['--libtensorflow', join(folder, 'tf'), ...places], env);
    expect(status).toBe(1);
    expect(stderr).toBe(
      'build-tfjs-node: expected a C++ compiler, got none (no-such-compiler, g++, clang++). ' +
        'Install one (g++, Xcode), or name it in CXX.',
    );
    expect(spawnSync('ls', [join(folder, 'own/deps')], { encoding: 'utf8' }).stdout).toBe('kept\n');
  });
});
