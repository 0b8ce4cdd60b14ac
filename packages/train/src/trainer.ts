import { DparError, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import { GradientSum, splitBatch } from './accumulate.js';
import { AdamW, type AdamWOptions } from './adamw.js';
import { BatchOrder } from './batch-order.js';
import { checkTokenSet } from './check-set.js';
import { dropClasses } from './class-dropout.js';
import { clipFactor, globalNorm } from './clip.js';
import { DropoutMasks, type DropoutRates, noDropout } from './dropout.js';
import { copyParameters, updateAverage } from './ema.js';
import type { StepMetrics } from './metrics.js';
import { constantSchedule, type Schedule } from './schedule.js';
import { type LossAndGradients, lossAndGradients } from './step.js';
import { type Batch, sizeOfSet, type TokenSet, takeImages } from './token-set.js';
import type { TrainableModel } from './trainable.js';
import { createValidator, type Validator } from './validate.js';

/** What a {@link Trainer} does. Defaults are the paper's where it has them. */
export interface TrainerOptions {
  readonly engine: Engine;
  readonly model: TrainableModel;
  /** Starting point, changed in place: see `initializeParameters` of @dpar/nn. */
  readonly parameters: Tensors<HostTensor>;
  readonly data: TokenSet;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly batchSize: number;
  /** Decides on the order of images and on class dropout. */
  readonly seed: number;
  /** Default: constant, 1e-4. */
  readonly schedule?: Schedule | undefined;
  readonly optimizer?: AdamWOptions | undefined;
  /** Gradients are shortened to this norm (default 1). */
  readonly maxGradientNorm?: number | undefined;
  /** Probability at which a label becomes the null class (default 0.1; no effect on models without classes). */
  readonly classDropout?: number | undefined;
  /** Dropout of activations (default: none; the paper's rates are 0.1 each). */
  readonly dropout?: DropoutRates | undefined;
  /**
   * Passes that a batch is cut into, whose gradients are added: less memory for the same step (default 1). The batch size
   * must be a multiple of it.
   */
  readonly accumulationSteps?: number | undefined;
  /** Computes what is inside transformer blocks a second time in the backward pass: less memory, a third more work. */
  readonly recomputeBlocks?: boolean | undefined;
  /** Keeps an exponential moving average of the parameters with this decay. Default: none is kept. */
  readonly averageDecay?: number | undefined;
  /** Set whose loss is measured every `validateEvery` steps (default: only after the last). */
  readonly validation?: TokenSet | undefined;
  readonly validateEvery?: number | undefined;
  /** Batches that are grouped by patch count together, see {@link BatchOrder}. */
  readonly windowBatches?: number | undefined;
}

/** Trains a model: steps of forward, backward, clipping and AdamW, in an order that the seed decides. */
export class Trainer {
  /** The parameters, changed by each step. */
  readonly parameters: Tensors<HostTensor>;
  readonly optimizer: AdamW;
  /** Moving average of the parameters, if one is kept. */
  readonly average: Tensors<HostTensor> | undefined;
  private readonly order: BatchOrder;
  private readonly patchCounts: Int32Array | undefined;
  private readonly schedule: Schedule;
  private readonly gradients: LossAndGradients;
  private readonly validator: Validator;
  private readonly masks: DropoutMasks;
  private readonly gradientSum = new GradientSum();

  /** @throws DparError if the data do not fit the model, or a size is wrong. */
  constructor(readonly options: TrainerOptions) {
    const { engine, model, parameters, data, validation, batchSize, seed, windowBatches } = options;
    checkTokenSet(model, data, 'training data');
    if (validation !== undefined) checkTokenSet(model, validation, 'validation data');
    this.parameters = parameters;
    this.patchCounts = model.patchCounts(data);
    const images = sizeOfSet(data).images;
    this.order = new BatchOrder({ images, batchSize, seed, patchCounts: this.patchCounts, windowBatches });
    this.schedule = options.schedule ?? constantSchedule(1e-4);
    this.optimizer = new AdamW(parameters, options.optimizer);
    this.average = options.averageDecay === undefined ? undefined : copyParameters(parameters);
    const { dropout = noDropout, recomputeBlocks } = options;
    this.masks = new DropoutMasks(model, dropout, seed);
    this.gradients = lossAndGradients(engine, model, [], { dropout, recomputeBlocks });
    this.validator = createValidator(engine, model);
  }

  /** Number of steps done. */
  get step(): number {
    return this.optimizer.step;
  }

  /**
   * Runs the steps that are left and yields the metrics of each. Ends early, after a whole step, when the signal is
   * aborted; called again, it goes on.
   * @throws DparError if a loss or gradient is not finite, naming step and images. The parameters are then as before that
   * step.
   */
  async *run(signal?: AbortSignal): AsyncGenerator<StepMetrics> {
    while (this.step < this.options.steps && !signal?.aborted) {
      const metrics = await this.trainStep();
      yield this.validationIsDue() ? { ...metrics, validationLoss: await this.validate() } : metrics;
    }
  }

  /** Mean loss over the validation data, nats per token. @throws DparError if there are none. */
  async validate(parameters = this.parameters): Promise<number> {
    const { validation, batchSize } = this.options;
    if (validation === undefined) throw new DparError("Trainer.validate: expected 'validation' data, got none.");
    return this.validator.loss(parameters, validation, batchSize);
  }

  /** Frees what was compiled. */
  async dispose(): Promise<void> {
    await this.gradients.dispose();
    await this.validator.dispose();
  }

  private validationIsDue(): boolean {
    const { validation, validateEvery, steps } = this.options;
    if (validation === undefined) return false;
    return this.step === steps || (validateEvery !== undefined && this.step % validateEvery === 0);
  }

  private batchAt(step: number): Batch {
    const { data, model, seed, classDropout = 0.1 } = this.options;
    const batch = takeImages(data, this.order.at(step));
    if (model.nullClass === undefined) return batch;
    return { ...batch, labels: dropClasses(batch.labels, model.nullClass, classDropout, seed, step) };
  }

  private async trainStep(): Promise<StepMetrics> {
    const { batchSize, maxGradientNorm = 1, averageDecay } = this.options;
    const begin = performance.now();
    const step = this.step;
    const batch = this.batchAt(step);
    const { loss, gradients, scale } = await this.meanGradients(batch, step);
    const gradientNorm = globalNorm(gradients) * scale;
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) throw notFinite(step, loss, gradientNorm, batch);
    const learningRate = this.schedule(step);
    const gradientScale = scale * clipFactor(gradientNorm, maxGradientNorm);
    this.optimizer.update(gradients, { learningRate, gradientScale });
    if (this.average !== undefined && averageDecay !== undefined) {
      updateAverage(this.average, this.parameters, averageDecay);
    }
    const seconds = (performance.now() - begin) / 1000;
    return {
      step: step + 1,
      epoch: this.order.epochOf(step),
      loss,
      gradientNorm,
      learningRate,
      seconds,
      imagesPerSecond: batchSize / seconds,
      meanPatchLength: this.meanPatchLength(batch.images),
      graphs: this.gradients.signatures,
    };
  }

  /** Mean loss of a batch, and gradients of which `scale` times is the mean. */
  private async meanGradients(
    batch: Batch,
    step: number,
  ): Promise<{ loss: number; gradients: Tensors<HostTensor>; scale: number }> {
    const { model, accumulationSteps = 1 } = this.options;
    const scale = 1 / accumulationSteps;
    let loss = 0;
    let gradients: Tensors<HostTensor> = {};
    for (const [pass, part] of splitBatch(batch, accumulationSteps).entries()) {
      const inputs = model.inputs(part);
      const masks = this.masks.draw(inputs, step * accumulationSteps + pass);
      const result = await this.gradients.run(this.parameters, { ...inputs, ...masks });
      loss += result.loss * scale;
      gradients = accumulationSteps === 1 ? result.gradients : this.gradientSum.add(result.gradients, pass === 0);
    }
    return { loss, gradients, scale };
  }

  /** Predicted tokens per patch of some images, 1 for models without patches. */
  private meanPatchLength(images: Int32Array): number {
    const { patchCounts } = this;
    if (patchCounts === undefined) return 1;
    const patches = images.reduce((sum, image) => sum + (patchCounts[image] as number), 0);
    return (images.length * this.options.model.predictedTokens) / patches;
  }
}

function notFinite(step: number, loss: number, gradientNorm: number, { images }: Batch): DparError {
  const shown = images.length > 16 ? `${images.slice(0, 16).join(', ')}, ...` : images.join(', ');
  return new DparError(
    `Trainer: expected a finite loss and gradient norm, got ${loss} and ${gradientNorm} at step ${step + 1}, ` +
      `with the batch of images ${shown}. Lower the learning rate, or start from an earlier checkpoint.`,
  );
}
