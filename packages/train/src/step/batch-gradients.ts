import { isReadByHead } from '@dpar/model';
import type { ImageArchitecture } from '@dpar/nn';
import {
  type CompiledFunction,
  type DeviceTensor,
  DparError,
  type Engine,
  float32,
  type HostTensor,
  named,
  type Tensors,
} from '@dpar/tensor';
import { type Batch, takeImages, takeRows } from '../batches/token-set.js';
import { accumulateGradients } from '../optimizer/named-tensors.js';
import { DropoutMasks, type DropoutRates, noDropout } from './dropout.js';
import { lossScaleName } from './loss-scale.js';
import type { LossScaler } from './loss-scaler.js';
import { createLossAndGradients, type LossAndGradients, type LossAndGradientsResult } from './step.js';
import { type Trained, trainedParameters, trainsHead } from './trained.js';

/** Options of {@link BatchGradients}. */
export interface BatchGradientsOptions {
  /** Seed of dropout. */
  readonly seed: number;
  /** Dropout of activations (default: none; the paper's rates are 0.1 each). */
  readonly dropout?: DropoutRates | undefined;
  /**
   * Number of passes per batch, whose gradients are added: less memory for the same step (default 1). It must divide the
   * batch size.
   */
  readonly accumulationSteps?: number | undefined;
  /** Recomputes the inside of transformer blocks in the backward pass: less memory, a third more work (default: false). */
  readonly recomputeBlocks?: boolean | undefined;
  /**
   * Factor between the numbers of patches that batches are padded to, for engines that prepare anew for each size.
   * Default: batches are padded to the patches of their longest image.
   */
  readonly bucketRatio?: number | undefined;
  /** Parameters to train (default: all). With `boundary_head`, nothing is dropped. */
  readonly trained?: Trained | undefined;
}

/** Result of {@link BatchGradients.run}. */
export interface BatchGradientsResult<T = HostTensor> {
  /** Mean over the batch, nats per token; if only a boundary head is trained, its squared error in nats^2. */
  readonly loss: number;
  /** Squared error of a boundary head that is trained, nats^2. */
  readonly boundaryLoss?: number;
  /** Gradients of the mean loss, by parameter name. The next batch overwrites those of the host. */
  readonly gradients: Tensors<T>;
  /** Patches of the global transformer, or tokens for models without patches. */
  readonly patches: number;
  /** Computed positions: patches and padding. */
  readonly positions: number;
}

/** One pass. */
interface Pass<T> {
  readonly read: Tensors<T>;
  readonly inputs: Tensors<HostTensor>;
  readonly patches: number;
  readonly positions: number;
}

/** Gradients of whole batches, with dropout, in one or several passes. */
export class BatchGradients {
  private readonly passes: LossAndGradients;
  private readonly masks: DropoutMasks;
  private readonly trained: Trained;
  private sum: Tensors<HostTensor> | undefined;
  /** Adds gradients on the device. */
  private adder: CompiledFunction | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly model: ImageArchitecture,
    private readonly options: BatchGradientsOptions,
    private readonly scaler?: LossScaler,
  ) {
    const { seed, dropout: rates = noDropout, recomputeBlocks, trained = 'all' } = options;
    const dropout = trained === 'boundary_head' ? noDropout : rates;
    this.masks = new DropoutMasks(model, dropout, seed);
    this.passes = createLossAndGradients(engine, model, [], { dropout, recomputeBlocks, trained });
    this.trained = trained;
  }

  /** Number of compiled graphs. */
  get graphs(): number {
    return this.passes.signatures;
  }

  /**
   * @param step Number of the step. Dropout is a function of step, seed and shapes of the batch.
   * @throws DparError if the batch cannot be cut into equal parts.
   */
  async run(parameters: Tensors<HostTensor>, batch: Batch, step: number): Promise<BatchGradientsResult> {
    const sum = this.isWhole ? undefined : this.clearedSum();
    return this.total(
      parameters,
      batch,
      step,
      (read, inputs) => this.passes.run(read, inputs),
      async (_, gradients, scale) => {
        if (sum !== undefined) accumulateGradients(sum, gradients, scale);
        return sum ?? gradients;
      },
    );
  }

  /** The same with parameters and gradients in the memory of the engine. Dispose the gradients after their last use. */
  async runOnDevice(
    parameters: Tensors<DeviceTensor>,
    batch: Batch,
    step: number,
  ): Promise<BatchGradientsResult<DeviceTensor>> {
    return this.total(
      parameters,
      batch,
      step,
      (read, inputs) => this.passes.runOnDevice(read, inputs),
      async (sum, gradients, scale) => (this.isWhole ? gradients : this.addOnDevice(sum, gradients, scale)),
    );
  }

  /** True if a batch is one pass. */
  private get isWhole(): boolean {
    return (this.options.accumulationSteps ?? 1) === 1;
  }

  /** Runs the passes of a batch and adds their results. */
  private async total<T>(
    parameters: Tensors<T>,
    batch: Batch,
    step: number,
    run: (read: Tensors<T>, inputs: Tensors<HostTensor>) => Promise<LossAndGradientsResult<T>>,
    add: (sum: Tensors<T> | undefined, gradients: Tensors<T>, scale: number) => Promise<Tensors<T>>,
  ): Promise<BatchGradientsResult<T>> {
    const { accumulationSteps = 1 } = this.options;
    const scale = 1 / accumulationSteps;
    const total = { loss: 0, patches: 0, positions: 0 };
    let boundary = 0;
    let sum: Tensors<T> | undefined;
    for (const [pass, part] of splitBatch(batch, accumulationSteps).entries()) {
      const { read, inputs, patches, positions } = this.prepare(parameters, part, step * accumulationSteps + pass);
      const { loss, boundaryLoss, gradients } = await run(read, inputs);
      sum = await add(sum, gradients, scale);
      total.loss += loss * scale;
      boundary += (boundaryLoss ?? 0) * scale;
      total.patches += patches;
      total.positions += positions;
    }
    const result = { ...total, gradients: sum ?? {} };
    return trainsHead(this.model, this.trained) ? { ...result, boundaryLoss: boundary } : result;
  }

  /** sum + scale * gradients; the first sum is none. Disposes what it adds. */
  private async addOnDevice(
    sum: Tensors<DeviceTensor> | undefined,
    gradients: Tensors<DeviceTensor>,
    scale: number,
  ): Promise<Tensors<DeviceTensor>> {
    const before = 'sum.';
    this.adder ??= this.engine.compile(function addGradients(ops, inputs) {
      const added: Record<string, (typeof inputs)[string]> = {};
      for (const [name, gradient] of Object.entries(inputs)) {
        if (name.startsWith(before)) continue;
        const scaled = ops.mul(gradient, scale);
        const sum = inputs[before + name];
        added[name] = sum === undefined ? scaled : ops.add(sum, scaled);
      }
      return added;
    });
    const sums = Object.entries(sum ?? {}).map(([name, tensor]) => [before + name, tensor] as const);
    const added = await this.adder.runOnDevice({ ...gradients, ...Object.fromEntries(sums) });
    for (const tensor of [...Object.values(gradients), ...Object.values(sum ?? {})]) tensor.dispose();
    return added;
  }

  /** Inputs of one pass, the parameters that it reads, and its work in the global transformer. */
  private prepare<T>(parameters: Tensors<T>, part: Batch, index: number): Pass<T> {
    const { kind, config } = this.model;
    if (this.trained === 'boundary_head') {
      const { images, tokens, entropies } = part;
      const read = Object.fromEntries(Object.entries(parameters).filter(([name]) => isReadByHead(name)));
      const counts = kind.patchCounts(config, images.length, entropies);
      const patches = counts?.reduce((sum, count) => sum + count, 0) ?? 0;
      const headInputs = { tokens, ...(entropies && { entropies }), ...this.lossScale() };
      return { read, inputs: headInputs, patches, positions: patches };
    }
    const inputs = kind.inputs(config, part, { bucketRatio: this.options.bucketRatio });
    const masks = this.masks.draw(inputs, index);
    const { entropies } = trainsHead(this.model, this.trained) ? part : {};
    const { targets } = part;
    return {
      read: parameters,
      inputs: {
        ...inputs,
        ...masks,
        ...(targets && { targets }),
        ...(entropies && { entropies }),
        ...this.lossScale(),
      },
      ...kind.globalPositions(config, inputs),
    };
  }

  /** Scale of the loss as an input, if there is one. */
  private lossScale(): Tensors<HostTensor> {
    return this.scaler === undefined ? {} : { [lossScaleName]: float32([], [this.scaler.scale]) };
  }

  /** Frees compiled graphs. */
  async dispose(): Promise<void> {
    await this.passes.dispose();
    await this.adder?.dispose();
  }

  /** Zeros to which the gradients of the passes are added. */
  private clearedSum(): Tensors<HostTensor> {
    const specs = this.model.kind.specs(this.model.config);
    this.sum ??= Object.fromEntries(
      trainedParameters(this.model, this.trained).map((name) => [name, float32(named(specs, name).shape)]),
    );
    for (const { data } of Object.values(this.sum)) data.fill(0);
    return this.sum;
  }
}

/**
 * Cuts a batch into equal parts of consecutive images.
 * @throws DparError if the number of parts does not divide the number of images.
 */
function splitBatch(batch: Batch, parts: number): Batch[] {
  const size = batch.images.length / parts;
  if (!Number.isInteger(size) || size === 0) {
    throw new DparError(
      `splitBatch: expected a batch size that ${parts} accumulation steps divide, got ${batch.images.length} images. ` +
        "Change 'batchSize' or 'accumulationSteps'.",
    );
  }
  if (parts === 1) return [batch];
  return Array.from({ length: parts }, (_, part) => {
    const places = Int32Array.from({ length: size }, (_, i) => part * size + i);
    const { targets } = batch;
    return {
      ...takeImages(batch, places),
      images: batch.images.subarray(part * size, (part + 1) * size),
      ...(targets && { targets: takeRows(targets, places) }),
    };
  });
}
