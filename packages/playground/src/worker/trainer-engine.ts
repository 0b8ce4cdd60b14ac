import type { Engine } from '@dpar/tensor';
import { messageOf } from '../message-of.js';
import type { TrainingDevice } from './protocol.js';

/** Engine of training steps. */
interface TrainerEngine {
  readonly engine: Engine;
  /** Reason why it is not the requested one. */
  readonly note?: string;
  /** Frees it, unless others use it too. */
  dispose(): Promise<void>;
}

/**
 * Starts the engine of training steps: TensorFlow.js on a graphics processor, whose program is loaded for this, or else the page's
 * engine. ONNX Runtime's program for graphics processors has ten times its size.
 * @param page Engine of the page, on WebAssembly.
 */
export async function startTrainer(device: TrainingDevice, page: Engine): Promise<TrainerEngine> {
  const shared = { engine: page, dispose: async () => {} };
  if (device === 'wasm') return shared;
  try {
    const engine = await createGpuEngine();
    return { engine, dispose: () => engine.dispose() };
  } catch (error) {
    return { ...shared, note: `The graphics processor cannot be used: ${messageOf(error)}` };
  }
}

async function createGpuEngine(): Promise<Engine> {
  const [{ tfjsEngine }, tf] = await Promise.all([import('@dpar/engine-tfjs'), import('@tensorflow/tfjs-core')]);
  await import('@tensorflow/tfjs-backend-webgpu');
  tf.enableProdMode();
  if (!(await tf.setBackend('webgpu'))) throw new Error('the browser refuses it.');
  await tf.ready();
  return tfjsEngine(tf, { name: `TensorFlow.js ${tf.version_core} (WebGPU)` });
}
