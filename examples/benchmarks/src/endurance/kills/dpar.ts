import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const bin = join(dirname(createRequire(import.meta.url).resolve('@dpar/cli/package.json')), 'bin', 'dpar.js');

/** A process that can be killed. */
export interface RunningProgram {
  readonly child: ChildProcess;
  /** Settled when the process has ended. */
  readonly end: Promise<{ status: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts the built command with one thread. */
export function startDpar(argv: readonly string[]): RunningProgram {
  return startNode([bin, ...argv, '--quiet', '--threads', '1']);
}

/** Starts Node with some arguments. */
export function startNode(argv: readonly string[]): RunningProgram {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const end = new Promise<Awaited<RunningProgram['end']>>((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal, stderr }));
  });
  return { child, end };
}

/** Runs the built command. @throws Error with its message if it fails. */
export async function runDpar(argv: readonly string[]): Promise<void> {
  const { status, signal, stderr } = await startDpar(argv).end;
  if (status !== 0) throw new Error(`dpar ${argv[0]}: expected status 0, got ${signal ?? status}: ${stderr.trim()}`);
}
