import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPython } from '@dpar/example-kit';

const run = promisify(execFile);

/** Options of {@link runPython}. */
export interface PythonOptions {
  /** Threads of its matrix products. */
  readonly threads: number;
}

/**
 * Runs a script of the folder `python`.
 * @param inputs Arrays, which are passed as files, and numbers.
 * @returns The numbers that it prints as JSON; undefined if no Python has NumPy and SciPy, or the script fails.
 */
export async function runPython(
  script: string,
  inputs: readonly (Float32Array | Float64Array | number)[],
  { threads }: PythonOptions,
): Promise<Record<string, number> | undefined> {
  const python = await findPython('scipy');
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
