import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Device } from '@dpar/engine-ort';
import { type Budget, TimeUp } from './check.js';

/** Settings of a run. */
export interface CheckSettings {
  readonly device: Device;
  readonly threads: number;
  /** True for the sizes that a driver without a GPU can compute. */
  readonly small: boolean;
  readonly budget: Budget;
  /** Folder for files of the run, which is deleted afterwards. */
  readonly folder: string;
}

/** Output of a process, and how it ended. */
export interface Ended {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program of this repository in a process of its own, which native code could end.
 * @throws TimeUp if it does not end in time.
 */
export function execute(file: string, args: readonly string[], budget: Budget): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // The program and its own processes are one group, which ends together. Windows has no groups.
    const detached = process.platform !== 'win32';
    const child = spawn(process.execPath, [file, ...args], { detached, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => {
      if (detached && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      else child.kill('SIGKILL');
    };
    const interrupt = (): void => {
      stop();
      process.exit(1);
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    const texts = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        texts[stream] += text;
      });
    }
    const begin = performance.now();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stop();
    }, budget.left);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      if (late) reject(new TimeUp(`the time was up after ${((performance.now() - begin) / 1000).toFixed(0)} s`));
      else resolve({ status: signal ?? status ?? 1, ...texts });
    });
  });
}

const require = createRequire(import.meta.url);
const manifest = require.resolve('@dpar/cli/package.json');
const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { dpar: string } };
const dparProgram = join(manifest, '..', bin.dpar);

/**
 * Runs a `dpar` command. @returns What it prints to stdout.
 * @throws Error with its last line if it fails, TimeUp if it does not end in time.
 */
export async function dpar(args: readonly string[], budget: Budget): Promise<string> {
  const { status, stdout, stderr } = await execute(dparProgram, args, budget);
  if (status === 0) return stdout;
  throw new Error(`dpar ${args[0]} ended with ${status}: ${stderr.trim().split('\n').at(-1)}`);
}

/** Options of `dpar` for a device. The CPU is the reference. */
export const deviceOptions = ({ threads }: Pick<CheckSettings, 'threads'>, device: Device): string[] => [
  '--device',
  device,
  '--threads',
  `${threads}`,
  '--quiet',
];

/** Runs the benchmarks of some names. */
export const runBench = (args: readonly string[], budget: Budget): Promise<Ended> =>
  execute(fileURLToPath(new URL('./main.js', import.meta.url)), args, budget);
