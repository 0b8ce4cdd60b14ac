import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Packages that scripts need, and programs that print their version, or fail if they are missing or too old. */
const checks = {
  scipy: 'import numpy, scipy; print(scipy.__version__)',
  torch: 'import torch; assert int(torch.__version__.split(".")[0]) >= 2; print(torch.__version__)',
} as const;

/** NumPy and SciPy, or PyTorch 2 and above. */
export type PythonPackages = keyof typeof checks;

/** A Python with the packages that a script needs. */
export interface Python {
  /** Program. */
  readonly command: string;
  /** Version of SciPy or PyTorch. */
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

/** Options of {@link runPython}. */
export interface PythonOptions {
  /** Threads of its matrix products. */
  readonly threads: number;
  /** Packages that it needs. Default: NumPy and SciPy. */
  readonly packages?: PythonPackages;
}

/**
 * Runs a script of the folder `python`.
 * @param inputs Arrays, which are passed as files, and numbers.
 * @returns The numbers that it prints as JSON; undefined if no Python has its packages, or the script fails.
 */
export async function runPython(
  script: string,
  inputs: readonly (Float32Array | Float64Array | number)[],
  { threads, packages = 'scipy' }: PythonOptions,
): Promise<Record<string, number> | undefined> {
  const python = await findPython(packages);
  if (python === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'dpar-benchmark-'));
  try {
    const parts: string[] = [];
    for (const [i, data] of inputs.entries()) {
      const part = typeof data === 'number' ? `${data}` : join(folder, `${i}.bin`);
      if (typeof data !== 'number') await writeFile(part, data);
      parts.push(part);
    }
    const program = fileURLToPath(new URL(`../python/${script}`, import.meta.url));
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
    const { stdout } = await run(python.command, [program, ...parts], { env });
    return JSON.parse(stdout) as Record<string, number>;
  } catch (error) {
    process.stderr.write(`bench: ${script}: ${error instanceof Error ? error.message : error}\n`);
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
