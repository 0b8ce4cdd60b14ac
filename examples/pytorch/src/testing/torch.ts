import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPython } from '@dpar/example-kit';

const run = promisify(execFile);

const found = await findPython('torch with numpy');
if (found === undefined) {
  console.warn(
    '[pytorch] No Python with PyTorch 2 and NumPy was found: the tests of examples/pytorch are left out. Set DPAR_PYTHON to one.',
  );
}

/** Python with PyTorch 2 and NumPy; undefined if there is none. */
export const python = found?.command;

const example = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs Python in the folder of the example, with one thread.
 * @returns Its standard output.
 * @throws Error with its standard error if it fails.
 */
export async function runPython(...argv: readonly string[]): Promise<string> {
  const env = { ...process.env, OMP_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' };
  return (await run(python as string, argv, { cwd: example, env })).stdout;
}
