import type { KindsOf } from '@dpar/check';
import { checkParameters, hasNullClass, type ImageModel, modelArgument, nullClassOf } from '@dpar/nn';
import { DparError, type Engine, type HostTensor, type Tensors } from '@dpar/tensor';
import { BatchOrder } from '../batches/batch-order.js';
import { BatchQueue } from '../batches/batch-queue.js';
import { checkBatch, checkTokenSet, checkTokenSource } from '../batches/check-set.js';
import { type Batch, sizeOfSet, type TokenSet } from '../batches/token-set.js';
import { isTokenSource, sourceOf, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { AdamW, type AdamWOptions, adamWOptionsKinds } from '../optimizer/adamw.js';
import { copyParameters } from '../optimizer/ema.js';
import { clipFactor } from '../optimizer/gradients.js';
import type { OptimizerThread } from '../optimizer/port.js';
import { optimizerThreadKinds } from '../optimizer/port.js';
import { constantSchedule, type Schedule } from '../optimizer/schedule.js';
import { BatchGradients, type BatchGradientsOptions } from '../step/batch-gradients.js';
import { dropClasses } from '../step/class-dropout.js';
import { dropoutRatesKinds } from '../step/dropout.js';
import { createValidator, type Validator } from '../step/validate.js';
import type { StepMetrics } from './metrics.js';

/** What a {@link Trainer} does. Defaults are the paper's where it has them. */
export interface TrainerOptions extends BatchGradientsOptions {
  readonly engine: Engine;
  /**
   * The model. Its parameters are the starting point and are changed in place: see `initializeParameters` of @dpar/nn.
   * With an `optimizerThread`, a step may put other typed arrays into these tensors.
   */
  readonly model: ImageModel;
  /** Images in memory, or a source that loads those of a batch. */
  readonly data: TokenSet | TokenSource;
  /**
   * Patches of the images of a source as {@link countPatches} counts them. Needed for a source where the model has patches.
   */
  readonly patchCounts?: ArrayLike<number> | undefined;
  /** Batches that a source is asked for ahead of the step that needs them (default 2). */
  readonly prefetchBatches?: number | undefined;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly batchSize: number;
  /** Decides on the order of images and on all dropout. */
  readonly seed: number;
  /** Default: constant, 1e-4. */
  readonly schedule?: Schedule | undefined;
  readonly optimizer?: AdamWOptions | undefined;
  /** Does half of the optimizer's work (default: none does): see `optimizerThreadFor`. The trainer closes it. */
  readonly optimizerThread?: OptimizerThread | undefined;
  /** Gradients are shortened to this norm (default 1). */
  readonly maxGradientNorm?: number | undefined;
  /** Probability at which a label becomes the null class (default 0.1; no effect on models without classes). */
  readonly classDropout?: number | undefined;
  /** Keeps an exponential moving average of the parameters with this decay. Default: none is kept. */
  readonly averageDecay?: number | undefined;
  /** Set whose loss is measured every `validateEvery` steps (default: only after the last). */
  readonly validation?: TokenSet | TokenSource | undefined;
  /** Steps between validations; see `validation`. */
  readonly validateEvery?: number | undefined;
  /** Batches that are grouped by patch count together, see {@link BatchOrder}. */
  readonly windowBatches?: number | undefined;
}

const trainerOptionsKinds: KindsOf<TrainerOptions> = {
  engine: 'Engine',
  model: modelArgument,
  data: 'object',
  'patchCounts?': 'number[]',
  'prefetchBatches?': 'number',
  steps: 'number | NaN',
  batchSize: 'number',
  seed: 'number',
  'schedule?': 'any',
  'optimizer?': adamWOptionsKinds,
  'optimizerThread?': optimizerThreadKinds,
  'maxGradientNorm?': 'number',
  'classDropout?': 'number',
  'averageDecay?': 'number',
  'validation?': 'object',
  'validateEvery?': 'number',
  'windowBatches?': 'number',
  'dropout?': dropoutRatesKinds,
  'accumulationSteps?': 'number',
  'recomputeBlocks?': 'boolean',
  'bucketRatio?': 'number',
};

/** Trains a model: steps of forward, backward, clipping and AdamW, in an order that the seed decides. */
export class Trainer {
  /** The parameters, changed by each step. */
  readonly parameters: Tensors<HostTensor>;
  readonly optimizer: AdamW;
  /** Moving average of the parameters, if one is kept. */
  readonly average: Tensors<HostTensor> | undefined;
  private readonly order: BatchOrder;
  private readonly source: TokenSource;
  private readonly batches: BatchQueue;
  private readonly schedule: Schedule;
  private readonly gradients: BatchGradients;
  private readonly validator: Validator;

  /** @throws DparError if parameters or data do not fit the model, or an option is out of range. */
  constructor(readonly options: TrainerOptions) {
    checkArguments('Trainer', { options }, { options: trainerOptionsKinds });

    const { engine, model, data, validation, batchSize, seed, windowBatches } = options;
    const { parameters } = model;
    checkOptions(options);
    checkParameters(model.kind.specs(model.config), parameters);
    checkData(model, data, 'training data');
    if (validation !== undefined) checkData(model, validation, 'validation data');
    this.parameters = parameters;
    this.source = sourceOf(data);
    const { images, variants } = this.source;
    this.order = new BatchOrder({
      images,
      variants,
      batchSize,
      seed,
      patchCounts: patchCountsOf(options),
      windowBatches,
    });
    // A set in memory would be read by this thread, ahead of time or not.
    const ahead = isTokenSource(data) ? (options.prefetchBatches ?? 2) : 0;
    this.batches = new BatchQueue((step) => this.loadBatch(step), ahead, options.steps);
    this.schedule = options.schedule ?? constantSchedule(1e-4);
    this.optimizer = new AdamW(parameters, options.optimizer);
    this.average = options.averageDecay === undefined ? undefined : copyParameters(parameters);
    this.gradients = new BatchGradients(engine, model, options);
    this.validator = createValidator(engine, model, { bucketRatio: options.bucketRatio });
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
  run(signal?: AbortSignal): AsyncGenerator<StepMetrics> {
    checkArguments('Trainer.run', { signal }, { 'signal?': 'AbortSignal' });
    return this.runSteps(signal);
  }

  private async *runSteps(signal?: AbortSignal): AsyncGenerator<StepMetrics> {
    while (this.step < this.options.steps && !signal?.aborted) {
      const metrics = await this.trainStep();
      yield this.validationIsDue() ? { ...metrics, validationLoss: await this.validate() } : metrics;
    }
  }

  /** Mean loss over the validation data, nats per token. @throws DparError if there are none. */
  async validate(parameters = this.parameters): Promise<number> {
    checkArguments('Trainer.validate', { parameters }, { 'parameters?': 'object' });

    const { validation, batchSize } = this.options;
    if (validation === undefined) throw new DparError("Trainer.validate: expected 'validation' data, got none.");
    return this.validator.loss(parameters, validation, batchSize);
  }

  /** Frees what was compiled and closes the sources of data. */
  async dispose(): Promise<void> {
    const { validation } = this.options;
    await this.gradients.dispose();
    await this.validator.dispose();
    await this.source.close();
    await this.options.optimizerThread?.close();
    if (validation !== undefined && isTokenSource(validation)) await validation.close();
  }

  private validationIsDue(): boolean {
    const { validation, validateEvery, steps } = this.options;
    if (validation === undefined) return false;
    return this.step === steps || (validateEvery !== undefined && this.step % validateEvery === 0);
  }

  private async loadBatch(step: number): Promise<Batch> {
    const { images, variants } = this.order.visitsAt(step);
    return this.source.load(images, variants);
  }

  private async batchAt(step: number): Promise<Batch> {
    const { data, model, seed, classDropout = 0.1 } = this.options;
    const batch = await this.batches.take(step);
    // A set in memory was checked as a whole.
    if (isTokenSource(data)) checkBatch(model, batch, data, 'training data');
    const nullClass = nullClassOf(model);
    if (nullClass === undefined) return batch;
    return { ...batch, labels: dropClasses(batch.labels, nullClass, classDropout, seed, step) };
  }

  private async trainStep(): Promise<StepMetrics> {
    const { model, batchSize, maxGradientNorm = 1, averageDecay, optimizerThread } = this.options;
    const begin = performance.now();
    const step = this.step;
    const batch = await this.batchAt(step);
    const waitSeconds = (performance.now() - begin) / 1000;
    const { loss, gradients, patches, positions } = await this.gradients.run(this.parameters, batch, step);
    const computed = performance.now();
    const average =
      averageDecay === undefined || !this.average ? undefined : { tensors: this.average, decay: averageDecay };
    const update = await this.optimizer.begin(gradients, { average, thread: optimizerThread });
    const { gradientNorm } = update;
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      await update.cancel();
      throw notFinite(step, loss, gradientNorm, batch);
    }
    const learningRate = this.schedule(step);
    await update.apply({ learningRate, gradientScale: clipFactor(gradientNorm, maxGradientNorm) });
    const end = performance.now();
    const seconds = (end - begin) / 1000;
    return {
      step: step + 1,
      epoch: this.order.epochOf(step),
      loss,
      gradientNorm,
      learningRate,
      seconds,
      waitSeconds,
      optimizerSeconds: (end - computed) / 1000,
      imagesPerSecond: batchSize / seconds,
      meanPatchLength: (batchSize * model.kind.predictedTokens(model.config)) / patches,
      paddingShare: 1 - patches / positions,
      graphs: this.gradients.graphs,
    };
  }
}

function checkData(model: ImageModel, data: TokenSet | TokenSource, name: string): void {
  if (isTokenSource(data)) checkTokenSource(model, data, name);
  else checkTokenSet(model, data, name);
}

/** By what batches are grouped. A source's counts take long to make, so that they are given. */
function patchCountsOf({ model, data, patchCounts }: TrainerOptions): ArrayLike<number> | undefined {
  if (!isTokenSource(data))
    return patchCounts ?? model.kind.patchCounts(model.config, sizeOfSet(data).images, data.entropies);
  if (!model.kind.hasPatches || patchCounts !== undefined) return patchCounts;
  throw new DparError(
    "Trainer: expected 'patchCounts' with a source of data, got none. Pass what 'countPatches' counts.",
  );
}

function notFinite(step: number, loss: number, gradientNorm: number, { images }: Batch): DparError {
  const shown = images.length > 16 ? `${images.slice(0, 16).join(', ')}, ...` : images.join(', ');
  return new DparError(
    `Trainer: expected a finite loss and gradient norm, got ${loss} and ${gradientNorm} at step ${step + 1}, ` +
      `with the batch of images ${shown}. Lower the learning rate, or start from an earlier checkpoint.`,
  );
}

/** Refuses options that are missing or out of range. */
function checkOptions({ model, data, steps, schedule, classDropout = 0.1 }: TrainerOptions): void {
  if (data === undefined) throw new DparError("Trainer: expected 'data', a token set or a source, got undefined.");
  if (!Number.isInteger(steps) || steps < 0) {
    throw new DparError(`Trainer: expected 'steps' to be a whole number >= 0, got ${steps}.`);
  }
  if (!(classDropout >= 0 && classDropout <= 1)) {
    throw new DparError(`Trainer: expected 'classDropout' from 0 to 1, got ${classDropout}.`);
  }
  if (classDropout > 0 && !hasNullClass(model.config)) {
    throw new DparError(
      `Trainer: expected 'classDropout' 0 for a model without a null class (class_dropout_prob 0), got ${classDropout}.`,
    );
  }
  if (schedule !== undefined && typeof schedule !== 'function') {
    throw new DparError(`Trainer: expected a schedule, got ${schedule}. Pass constantSchedule(${schedule}).`);
  }
}
