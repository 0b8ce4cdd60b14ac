import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Candidates for Python: the first on the path may lack packages that the system's Python has. */
const candidates = ['python3', '/usr/bin/python3'];

const found = new Map<string, Promise<string | undefined>>();

/** Finds a Python that has the modules. */
async function findPython(modules: string): Promise<string | undefined> {
  for (const python of candidates) {
    const works = await run(python, ['-c', `import ${modules}`]).then(
      () => true,
      () => false,
    );
    if (works) return python;
  }
  return undefined;
}

/** Options of {@link runPython}. */
export interface PythonOptions {
  /** Threads of its matrix products. */
  readonly threads: number;
  /** Modules that it imports, as in `import a, b`. Default: NumPy and SciPy. */
  readonly modules?: string;
}

/**
 * Runs a script of the folder `python`.
 * @param inputs Arrays, which are passed as files, and numbers.
 * @returns The numbers that it prints as JSON; undefined if no Python has its modules.
 */
export async function runPython(
  script: string,
  inputs: readonly (Float32Array | Float64Array | number)[],
  { threads, modules = 'numpy, scipy' }: PythonOptions,
): Promise<Record<string, number> | undefined> {
  if (!found.has(modules)) found.set(modules, findPython(modules));
  const python = await found.get(modules);
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
    const { stdout } = await run(python, [program, ...parts], { env });
    return JSON.parse(stdout) as Record<string, number>;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
