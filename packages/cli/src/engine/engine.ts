import { createOrtEngine } from '@dpar/engine-ort';
import { describeLoaded, loadTfjs, type TfjsBackend, tfjsEngine } from '@dpar/engine-tfjs';
import { availableThreads, type Engine } from '@dpar/tensor';
import { UsageError } from '../command/errors.js';
import type { Globals } from '../command/options.js';

/** Choice of an engine, its device, its precision and its threads. */
export type EngineOptions = Pick<Globals, 'engine' | 'device' | 'precision' | 'threads'>;

/** Backends of TensorFlow.js for each device, fastest first. */
export const tfjsBackendsOf: { readonly [D in Globals['device']]: readonly TfjsBackend[] } = {
  cpu: ['node', 'wasm', 'cpu'],
  webgpu: ['webgpu'],
  cuda: ['node-gpu'],
};

/**
 * Makes the engine.
 * @param note Receives a line that names the backend.
 * @throws UsageError if the device does not compute in the precision; DparError if the runtime of the engine is not installed.
 */
export async function createEngine(
  { engine, device, precision, threads }: EngineOptions,
  note: (line: string) => void,
): Promise<Engine> {
  if (precision === 'float16' && (engine !== 'ort' || device !== 'webgpu')) {
    const got = `--engine ${engine} --device ${device}`;
    throw new UsageError(`--precision float16: expected --engine ort and --device webgpu, got ${got}.`);
  }
  if (engine === 'ort') return createOrtEngine({ device, precision, ...(threads !== undefined && { threads }) });
  // Native TensorFlow reads this variable when it is loaded. Its default is all cores of the machine.
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads ?? availableThreads());
  const loaded = await loadTfjs({ backend: tfjsBackendsOf[device] });
  note(describeLoaded(loaded));
  if (threads !== undefined && loaded.backend !== 'node') {
    note('TensorFlow.js chooses its number of threads: --threads has no effect.');
  }
  return tfjsEngine(loaded.tf, { name: loaded.name });
}
