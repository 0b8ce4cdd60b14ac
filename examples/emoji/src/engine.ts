import { createOrtEngine } from '@dpar/engine-ort';
import { describeLoaded, loadTfjs, tfjsEngine } from '@dpar/engine-tfjs';
import type { Engine } from '@dpar/tensor';
import type { EngineName } from './arguments.js';

/** Makes an engine; of TensorFlow.js it says on stderr which backend computes, and why none that is faster. */
export async function createEngine(name: EngineName): Promise<Engine> {
  if (name === 'ort') return createOrtEngine();
  const loaded = await loadTfjs();
  process.stderr.write(`${describeLoaded(loaded)}\n`);
  return tfjsEngine(loaded.tf, { name: loaded.name });
}
