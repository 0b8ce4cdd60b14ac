import type { ImageArchitecture } from '@dpar/nn';
import { DparError, type Engine, float32, type HostTensor, type Tensors } from '@dpar/tensor';
import { type Batch, takeImages } from '../batches/token-set.js';
import { accumulateGradients } from '../optimizer/gradients.js';
import { DropoutMasks, type DropoutRates, noDropout } from './dropout.js';
import { type LossAndGradients, lossAndGradients } from './step.js';

/** How the gradients of a batch are computed. */
export interface BatchGradientsOptions {
  /** Decides on dropout. */
  readonly seed: number;
  /** Dropout of activations (default: none; the paper's rates are 0.1 each). */
  readonly dropout?: DropoutRates | undefined;
  /**
   * Passes that a batch is cut into, whose gradients are added: less memory for the same step (default 1). The batch size
   * must be a multiple of it.
   */
  readonly accumulationSteps?: number | undefined;
  /** Computes what is inside transformer blocks a second time in the backward pass: less memory, a third more work. */
  readonly recomputeBlocks?: boolean | undefined;
  /**
   * Pads batches to one of some numbers of patches, each at most this factor above the one before, for engines that
   * prepare anew for each size. Default: batches are padded to the patches of their longest image.
   */
  readonly bucketRatio?: number | undefined;
}

/** What comes of a batch. */
export interface BatchGradientsResult {
  /** Mean over the batch, nats per token. */
  readonly loss: number;
  /** Of the mean loss by all parameters; overwritten by the next batch. */
  readonly gradients: Tensors<HostTensor>;
  /** Patches of the global transformer, or tokens for models without patches. */
  readonly patches: number;
  /** Positions that were computed for them: with padding. */
  readonly positions: number;
}

/** Gradients of whole batches: dropout, and parts of a batch one after the other. */
export class BatchGradients {
  private readonly passes: LossAndGradients;
  private readonly masks: DropoutMasks;
  private sum: Tensors<HostTensor> | undefined;

  constructor(
    engine: Engine,
    private readonly model: ImageArchitecture,
    private readonly options: BatchGradientsOptions,
  ) {
    const { seed, dropout = noDropout, recomputeBlocks } = options;
    this.masks = new DropoutMasks(model, dropout, seed);
    this.passes = lossAndGradients(engine, model, [], { dropout, recomputeBlocks });
  }

  /** Graphs compiled so far. */
  get graphs(): number {
    return this.passes.signatures;
  }

  /**
   * @param step Number of the step: with the seed and the shapes of the batch, it decides on what is dropped.
   * @throws DparError if the batch cannot be cut into equal parts.
   */
  async run(parameters: Tensors<HostTensor>, batch: Batch, step: number): Promise<BatchGradientsResult> {
    const { accumulationSteps = 1, bucketRatio } = this.options;
    const { kind, config } = this.model;
    const scale = 1 / accumulationSteps;
    const sum = accumulationSteps === 1 ? undefined : this.clearedSum();
    const total = { loss: 0, gradients: {}, patches: 0, positions: 0 };
    for (const [pass, part] of splitBatch(batch, accumulationSteps).entries()) {
      const inputs = kind.inputs(config, part, { bucketRatio });
      const masks = this.masks.draw(inputs, step * accumulationSteps + pass);
      const { loss, gradients } = await this.passes.run(parameters, { ...inputs, ...masks });
      if (sum !== undefined) accumulateGradients(sum, gradients, scale);
      const { patches, positions } = kind.globalPositions(config, inputs);
      total.loss += loss * scale;
      total.gradients = sum ?? gradients;
      total.patches += patches;
      total.positions += positions;
    }
    return total;
  }

  /** Frees what was compiled. */
  dispose(): Promise<void> {
    return this.passes.dispose();
  }

  /** Zeros in which the gradients of a batch's parts are added. */
  private clearedSum(): Tensors<HostTensor> {
    this.sum ??= Object.fromEntries(
      Object.entries(this.model.kind.specs(this.model.config)).map(([name, { shape }]) => [name, float32(shape)]),
    );
    for (const { data } of Object.values(this.sum)) data.fill(0);
    return this.sum;
  }
}

/**
 * Cuts a batch into equal parts, each of consecutive images.
 * @throws DparError if its number of images is no multiple of the number of parts.
 */
function splitBatch(batch: Batch, parts: number): Batch[] {
  const size = batch.images.length / parts;
  if (!Number.isInteger(size) || size === 0) {
    throw new DparError(
      `splitBatch: expected a batch size that ${parts} accumulation steps divide, got ${batch.images.length} images.`,
    );
  }
  if (parts === 1) return [batch];
  return Array.from({ length: parts }, (_, part) => {
    const places = Int32Array.from({ length: size }, (_, i) => part * size + i);
    return { ...takeImages(batch, places), images: batch.images.subarray(part * size, (part + 1) * size) };
  });
}
