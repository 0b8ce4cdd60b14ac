import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The root's package.json. */
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Writes a message to stderr, so that stdout has only the output of the task. */
export const say = (message) => process.stderr.write(`[dpar] ${message}\n`);

// Tools must not report usage, update themselves or download other versions; onnxruntime-node needs no download.
const environment = {
  ...process.env,
  COREPACK_ENABLE_PROJECT_SPEC: '0',
  COREPACK_ENABLE_STRICT: '0',
  DO_NOT_TRACK: '1',
  ONNXRUNTIME_NODE_INSTALL: 'skip',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  TURBO_TELEMETRY_DISABLED: '1',
};

/**
 * Runs a command in the repository's root and waits for it.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ quietStdout?: boolean, shell?: boolean, env?: Record<string, string> }} [options] `quietStdout` sends the
 *   command's stdout to stderr. `env` is added to the environment.
 * @returns {Promise<number>} Its exit status; 128 + n if signal n ended it.
 */
export function execute(command, args, { quietStdout = false, shell = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment, ...env },
      shell,
      stdio: ['inherit', quietStdout ? 2 : 'inherit', 'inherit'],
    });
    // A terminal also sends Ctrl-C to the command. This process waits until the command ends.
    const wait = () => {};
    const terminate = () => child.kill('SIGTERM');
    const detach = () => process.off('SIGINT', wait).off('SIGTERM', terminate);
    process.on('SIGINT', wait).on('SIGTERM', terminate);
    child.once('error', (error) => {
      detach();
      reject(error);
    });
    child.once('close', (status, signal) => {
      detach();
      resolve(status ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** Runs a JavaScript file with this Node. Paths are relative to the root. */
export const executeNode = (file, args, options) => execute(process.execPath, [join(root, file), ...args], options);

/** Runs the program `name` of an installed development dependency. */
export function executeTool(dependency, name, args, options) {
  const folder = join('node_modules', dependency);
  const { bin } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  return executeNode(join(folder, typeof bin === 'string' ? bin : bin[name]), args, options);
}

/** Runs the pnpm that the root's `packageManager` names. npm downloads it if it is missing. */
export const executePnpm = (args, options) =>
  execute('npx', ['--yes', manifest.packageManager, ...args], { ...options, shell: process.platform === 'win32' });
