import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@dpar/config/published';

/** Result of a command. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** pnpm as in the root's `packageManager`, such as 'pnpm@10.34.9'. */
export const pinnedPnpm: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager;

// Variables of a task runner would change the package managers in the tests' projects.
const inherited = Object.entries(process.env).filter(
  ([name]) =>
    !/^(npm_(config|package|lifecycle|command|execpath)|pnpm_|INIT_CWD|NODE_OPTIONS|NODE_ENV|VITEST|TEST$)/i.test(name),
);
const environment = {
  ...Object.fromEntries(inherited),
  COREPACK_ENABLE_PROJECT_SPEC: '0',
  COREPACK_ENABLE_STRICT: '0',
  NO_COLOR: '1',
  NO_UPDATE_NOTIFIER: '1',
  ONNXRUNTIME_NODE_INSTALL: 'skip',
};

/** Runs a program in a folder, without standard input. On Windows, `npm` and `npx` need a shell. */
export function run(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const shell = process.platform === 'win32' && program !== process.execPath;
    const child = spawn(program, args, { cwd, env: environment, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs a program like {@link run}. @returns Its stdout. @throws Error with its whole output if its status is not 0. */
export async function runOrThrow(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, cwd);
  if (status === 0) return stdout;
  throw new Error(
    `run: expected '${[program, ...args].join(' ')}' to end with status 0, got ${status}.\n${stdout}${stderr}`,
  );
}

/** Arguments of `npx` that run the pinned pnpm. */
export const pnpm = (...args: string[]): string[] => ['--yes', pinnedPnpm, ...args];
