import { createOrtEngine } from '@dpar/engine-ort';
import { describeLoaded, loadTfjs, type TfjsBackend, tfjsEngine } from '@dpar/engine-tfjs';
import { availableThreads, type Engine } from '@dpar/tensor';
import type { Globals } from './globals.js';

/** Which engine, and how it computes. */
export type EngineOptions = Pick<Globals, 'engine' | 'device' | 'threads'>;

/** The backends of TensorFlow.js that compute on a device, the best first. */
export const tfjsBackendsOf: { readonly [D in Globals['device']]: readonly TfjsBackend[] } = {
  cpu: ['node', 'wasm', 'cpu'],
  webgpu: ['webgpu'],
  cuda: ['node-gpu'],
};

/**
 * Makes the engine.
 * @param note Takes a line for people: which of several backends computes.
 * @throws DparError if what it runs on is not installed.
 */
export async function createEngine(
  { engine, device, threads }: EngineOptions,
  note: (line: string) => void,
): Promise<Engine> {
  if (engine === 'ort') return createOrtEngine({ device, ...(threads !== undefined && { threads }) });
  // Native TensorFlow reads it when it is loaded; by default it takes all cores of the machine.
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads ?? availableThreads());
  const loaded = await loadTfjs({ backend: tfjsBackendsOf[device] });
  note(describeLoaded(loaded));
  if (threads !== undefined && loaded.backend !== 'node') {
    note('TensorFlow.js has as many threads as it chooses: --threads is for --engine ort.');
  }
  return tfjsEngine(loaded.tf, { name: loaded.name });
}
