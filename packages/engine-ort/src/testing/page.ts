import { checkCase, conformanceCases } from '@dpar/tensor/conformance';
import { createOrtEngine } from '../index.js';

/** Runs in a browser: conformance cases on WebGPU, by their indices. @returns Difference or error of each that does not pass. */
async function runCases(indices: readonly number[]): Promise<Record<string, string>> {
  const files = '/ort/ort-wasm-simd-threaded.asyncify';
  const wasmPaths = { mjs: `${files}.mjs`, wasm: `${files}.wasm` };
  const engine = await createOrtEngine({ device: 'webgpu', threads: 1, wasmPaths });
  const cases = conformanceCases();
  const mismatches: Record<string, string> = {};
  for (const index of indices) {
    const conformanceCase = cases[index];
    if (conformanceCase === undefined) continue;
    const mismatch = await checkCase(engine, conformanceCase).catch((error: Error) => error.message);
    if (mismatch !== undefined) mismatches[conformanceCase.name] = mismatch;
  }
  await engine.dispose();
  return mismatches;
}

Object.assign(globalThis, { runCases });
