import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where Python may be: the first on the path may lack packages that the system's has. */
const candidates = ['python3', '/usr/bin/python3'];

let found: Promise<string | undefined> | undefined;

/** A Python with NumPy and SciPy, if there is one. */
async function findPython(): Promise<string | undefined> {
  for (const python of candidates) {
    const works = await run(python, ['-c', 'import numpy, scipy']).then(
      () => true,
      () => false,
    );
    if (works) return python;
  }
  return undefined;
}

/**
 * Runs a script of the folder `python` on numbers, which it gets as files.
 * @param threads Threads of its matrix products.
 * @returns The numbers that it prints as JSON; undefined where there is no NumPy and SciPy.
 */
export async function runPython(
  script: string,
  inputs: readonly (Float32Array | Float64Array)[],
  threads: number,
): Promise<Record<string, number> | undefined> {
  found ??= findPython();
  const python = await found;
  if (python === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'dpar-benchmark-'));
  try {
    const files = inputs.map((_, i) => join(folder, `${i}.bin`));
    for (const [i, data] of inputs.entries()) await writeFile(files[i] as string, data);
    const program = fileURLToPath(new URL(`../python/${script}`, import.meta.url));
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
    const { stdout } = await run(python, [program, ...files], { env });
    return JSON.parse(stdout) as Record<string, number>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
