import { nullClassOf } from '@dpar/nn';
import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { BatchOrder } from '../batches/batch-order.js';
import { checkBatch } from '../batches/check-set.js';
import type { Batch } from '../batches/token-set.js';
import { BatchQueue, isTokenSource, sourceOf, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { AdamW } from '../optimizer/adamw.js';
import { clipFactor, copyParameters } from '../optimizer/named-tensors.js';
import { constantSchedule, type Schedule } from '../optimizer/schedule.js';
import { BatchGradients } from '../step/batch-gradients.js';
import { dropClasses } from '../step/dropout.js';
import { createValidator, type Validator } from '../step/validate.js';
import type { StepMetrics } from './metrics.js';
import { checkTrainerOptions, patchCountsOf, type TrainerOptions, trainerOptionsKinds } from './trainer-options.js';

/** Trains a model: steps of forward pass, backward pass, clipping and AdamW, in an order that the seed decides. */
export class Trainer {
  /** The parameters, changed by each step. */
  readonly parameters: Tensors<HostTensor>;
  readonly optimizer: AdamW;
  /** Moving average of the parameters, with `averageDecay`. */
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
    checkTrainerOptions(options);

    const { engine, model, data, batchSize, seed, windowBatches } = options;
    this.parameters = model.parameters;
    this.source = sourceOf(data);
    const { images, variants } = this.source;
    const patchCounts = patchCountsOf(options);
    this.order = new BatchOrder({ images, variants, batchSize, seed, patchCounts, windowBatches });
    // This thread would also load the batches of a set in memory, so nothing is gained ahead of time.
    const ahead = isTokenSource(data) ? (options.prefetchBatches ?? 2) : 0;
    this.batches = new BatchQueue((step) => this.loadBatch(step), ahead, options.steps);
    this.schedule = options.schedule ?? constantSchedule(1e-4);
    this.optimizer = new AdamW(model.parameters, options.optimizer);
    this.average = options.averageDecay === undefined ? undefined : copyParameters(model.parameters);
    this.gradients = new BatchGradients(engine, model, options);
    this.validator = createValidator(engine, model, { bucketRatio: options.bucketRatio });
  }

  /** Number of finished steps. */
  get step(): number {
    return this.optimizer.step;
  }

  /**
   * Runs the remaining steps and yields the metrics of each. Ends after a whole step when the signal is aborted. Another
   * call resumes.
   * @throws DparError naming step and images if a loss or gradient is not finite. The parameters are then as before that
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

  private async trainStep(): Promise<StepMetrics> {
    const { model, batchSize, maxGradientNorm = 1, averageDecay, optimizerThread } = this.options;
    const begin = performance.now();
    const step = this.step;

    const batch = await this.batchAt(step);
    const loaded = performance.now();
    const { loss, gradients, patches, positions } = await this.gradients.run(this.parameters, batch, step);
    const computed = performance.now();

    const tensors = this.average;
    const average = tensors && averageDecay !== undefined ? { tensors, decay: averageDecay } : undefined;
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
      waitSeconds: (loaded - begin) / 1000,
      optimizerSeconds: (end - computed) / 1000,
      imagesPerSecond: batchSize / seconds,
      meanPatchLength: (batchSize * model.kind.predictedTokens(model.config)) / patches,
      paddingShare: 1 - patches / positions,
      graphs: this.gradients.graphs,
    };
  }

  /** Batch of a step, with dropped labels. */
  private async batchAt(step: number): Promise<Batch> {
    const { data, model, seed, classDropout = 0.1 } = this.options;
    const batch = await this.batches.take(step);
    // The constructor has checked a set in memory.
    if (isTokenSource(data)) checkBatch(model, batch, data, 'training data');
    const nullClass = nullClassOf(model);
    if (nullClass === undefined) return batch;
    return { ...batch, labels: dropClasses(batch.labels, nullClass, classDropout, seed, step) };
  }

  private async loadBatch(step: number): Promise<Batch> {
    const { images, variants } = this.order.visitsAt(step);
    return this.source.load(images, variants);
  }

  private validationIsDue(): boolean {
    const { validation, validateEvery, steps } = this.options;
    if (validation === undefined) return false;
    return this.step === steps || (validateEvery !== undefined && this.step % validateEvery === 0);
  }

  /** Mean loss over the validation data, nats per token. @throws DparError without validation data. */
  async validate(parameters = this.parameters): Promise<number> {
    checkArguments('Trainer.validate', { parameters }, { 'parameters?': 'object' });

    const { validation, batchSize } = this.options;
    if (validation === undefined)
      throw new DparError("Trainer.validate: expected 'validation' data, got none. Pass it to the constructor.");
    return this.validator.loss(parameters, validation, batchSize);
  }

  /** Frees compiled graphs, and closes the sources of data and the optimizer's thread. */
  async dispose(): Promise<void> {
    const { validation } = this.options;
    await this.gradients.dispose();
    await this.validator.dispose();
    await this.source.close();
    await this.options.optimizerThread?.close();
    if (validation !== undefined && isTokenSource(validation)) await validation.close();
  }
}

function notFinite(step: number, loss: number, gradientNorm: number, { images }: Batch): DparError {
  const shown = images.length > 16 ? `${images.slice(0, 16).join(', ')}, ...` : images.join(', ');
  return new DparError(
    `Trainer: expected a finite loss and gradient norm, got ${loss} and ${gradientNorm} at step ${step + 1}, ` +
      `with the batch of images ${shown}. Lower the learning rate, or start from an earlier checkpoint.`,
  );
}
