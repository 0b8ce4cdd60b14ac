import { type DparConfig, dparMemory } from '@dpar/model';

/** Images of a batch, largest first. */
const batchSizes = [4, 2, 1] as const;

/** Most memory of a training step in bytes. WebAssembly has 4 GB, of which ONNX Runtime cannot use all for one step. */
const mostTuningBytes = 1.5e9;

/** Memory of a training step in bytes: weights, gradients, moments, and states of images of one patch for each token. */
export function tuningBytes(config: DparConfig, batchSize: number): number {
  const { weights, gradients, optimizer, activations } = dparMemory(config, batchSize, config.blockSize);
  return weights + gradients + optimizer + activations;
}

/** Images of a batch of a model; undefined if the model is too large to be trained in a page. */
export function tuningBatch(config: DparConfig): number | undefined {
  return batchSizes.find((size) => tuningBytes(config, size) <= mostTuningBytes);
}
