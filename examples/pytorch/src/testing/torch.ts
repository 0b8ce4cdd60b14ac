import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const check = 'import numpy, torch; assert int(torch.__version__.split(".")[0]) >= 2; print(torch.__version__)';

/** Python with PyTorch 2 and NumPy: that of the environment variable `DPAR_PYTHON`, else `python3`; undefined if neither has it. */
export const python = await findPython();

async function findPython(): Promise<string | undefined> {
  const { DPAR_PYTHON } = process.env;
  for (const command of [...(DPAR_PYTHON ? [DPAR_PYTHON] : []), 'python3']) {
    const found = await run(command, ['-c', check]).then(
      () => true,
      () => false,
    );
    if (found) return command;
  }
  console.warn(
    '[pytorch] No Python with PyTorch 2 and NumPy was found: the tests of examples/pytorch are left out. Set DPAR_PYTHON to one.',
  );
  return undefined;
}

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
