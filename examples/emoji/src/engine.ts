import { createOrtEngine } from '@dpar/engine-ort';
import { describeLoaded, loadTfjs, tfjsEngine } from '@dpar/engine-tfjs';
import type { Engine } from '@dpar/tensor';
import type { EngineName } from './arguments.js';

/** Creates an engine. For TensorFlow.js, prints to stderr which backend was loaded, and why no faster one. */
export async function createEngine(name: EngineName): Promise<Engine> {
  if (name === 'ort') return createOrtEngine();
  const loaded = await loadTfjs();
  process.stderr.write(`${describeLoaded(loaded)}\n`);
  return tfjsEngine(loaded.tf, { name: loaded.name });
}
