import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Packages that scripts need, and programs that print their version, or fail if they are missing or too old. */
const checks = {
  numpy: 'import numpy; print(numpy.__version__)',
  scipy: 'import numpy, scipy; print(scipy.__version__)',
  torch: 'import torch; assert int(torch.__version__.split(".")[0]) >= 2; print(torch.__version__)',
  'torch with numpy': 'import numpy, torch; assert int(torch.__version__.split(".")[0]) >= 2; print(torch.__version__)',
} as const;

/** NumPy, NumPy and SciPy, or PyTorch 2 and above, which needs NumPy to send objects between processes. */
export type PythonPackages = keyof typeof checks;

/** A Python with the packages that a script needs. */
export interface Python {
  /** Program. */
  readonly command: string;
  /** Version of NumPy, SciPy or PyTorch. */
  readonly version: string;
}

const found = new Map<PythonPackages, Promise<Python | undefined>>();

/**
 * Finds a Python that has some packages: that of the environment variable `DPAR_PYTHON`, the first on the path, or the
 * system's, which may have packages that the first lacks.
 */
export function findPython(packages: PythonPackages): Promise<Python | undefined> {
  const known = found.get(packages) ?? search(checks[packages]);
  found.set(packages, known);
  return known;
}

async function search(check: string): Promise<Python | undefined> {
  const { DPAR_PYTHON } = process.env;
  for (const command of [...(DPAR_PYTHON ? [DPAR_PYTHON] : []), 'python3', '/usr/bin/python3']) {
    const version = await run(command, ['-c', check]).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
    if (version !== undefined) return { command, version };
  }
  return undefined;
}
