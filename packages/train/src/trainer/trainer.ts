import { BatchQueue } from '@dpar/images';
import { type DparConfig, isBoundaryParameter } from '@dpar/model';
import { type ImageConfig, type ImageModel, nullClassOf } from '@dpar/nn';
import { DparError, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { BatchOrder } from '../batches/batch-order.js';
import { checkBatch } from '../batches/check-set.js';
import type { Batch } from '../batches/token-set.js';
import { isTokenSource, sourceOf, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { AdamW } from '../optimizer/adamw.js';
import { clipFactor, copyParameters } from '../optimizer/named-tensors.js';
import { constantSchedule, type Schedule } from '../optimizer/schedule.js';
import { BatchGradients } from '../step/batch-gradients.js';
import { dropClasses } from '../step/dropout.js';
import { LossScaler, lossScalerName } from '../step/loss-scaler.js';
import { boundaryConfigOf, trainedParameters, trainsHead } from '../step/trained.js';
import { createValidator, type Validator } from '../step/validate.js';
import { type BoundaryValidation, type BoundaryValidator, createBoundaryValidator } from '../step/validate-boundary.js';
import type { StepMetrics } from './metrics.js';
import { optimizerTensors, type RunTrainer, validationIsDue } from './run-trainer.js';
import { checkTrainerOptions, patchCountsOf, type TrainerOptions, trainerOptionsKinds } from './trainer-options.js';

/** Largest number of training images that calibrate a boundary head. */
const calibrationImages = 1024;

/** Trains a model: steps of forward pass, backward pass, clipping and AdamW, in an order that the seed decides. */
export class Trainer implements RunTrainer {
  /** The parameters, changed by each step. */
  readonly parameters: Tensors<HostTensor>;
  readonly optimizer: AdamW;
  /** Moving average of the parameters, with `averageDecay`. */
  readonly average: Tensors<HostTensor> | undefined;
  private readonly order: BatchOrder;
  private readonly source: TokenSource;
  private readonly batches: BatchQueue<Batch>;
  private readonly schedule: Schedule;
  private readonly gradients: BatchGradients;
  /** Scale of the loss, if the engine computes in float16. */
  readonly lossScaler: LossScaler | undefined;
  private readonly validator: Validator;
  private readonly trainsHead: boolean;
  /** Created when it is first used. */
  private boundary: BoundaryValidator | undefined;
  /** Result of the boundary head for the calibration, and its step. */
  private calibration: { readonly step: number; readonly result: BoundaryValidation } | undefined;

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
    const { trained = 'all' } = options;
    const names = trainedParameters(model, trained);
    const updated = names.map((name) => [name, named(model.parameters, name)] as const);
    this.optimizer = new AdamW(Object.fromEntries(updated), options.optimizer);
    this.average = options.averageDecay === undefined ? undefined : copyParameters(model.parameters);
    this.lossScaler = engine.precision === 'float16' ? new LossScaler() : undefined;
    this.gradients = new BatchGradients(engine, model, options, this.lossScaler);
    this.validator = createValidator(engine, model, { bucketRatio: options.bucketRatio });
    this.trainsHead = trainsHead(model, trained);
  }

  get model(): ImageModel {
    return this.options.model;
  }

  get seed(): number {
    return this.options.seed;
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
      yield validationIsDue(this.options, this.step) ? { ...metrics, ...(await this.validationMetrics()) } : metrics;
    }
  }

  private async validationMetrics(): Promise<Partial<StepMetrics>> {
    if (!this.trainsHead) return { validationLoss: await this.validate() };
    const { loss, correlation, agreement } = await this.calibrate();
    return {
      validationLoss: this.options.trained === 'boundary_head' ? loss : await this.validate(),
      validationBoundaryLoss: loss,
      validationBoundaryCorrelation: correlation,
      validationBoundaryAgreement: agreement,
    };
  }

  async configNow(): Promise<Record<string, unknown>> {
    return this.model.kind.writeConfig(await this.calibratedConfig());
  }

  state(): Record<string, HostTensor> {
    const scale = this.lossScaler && { [lossScalerName]: this.lossScaler.state };
    return { ...optimizerTensors(this.parameters, this.optimizer), ...scale };
  }

  resumeAt(step: number): void {
    checkArguments('Trainer.resumeAt', { step }, { step: 'number' });
    this.optimizer.restore(step, this.optimizer.moments);
  }

  /**
   * Configuration of the model after this step. The threshold of a boundary head is calibrated on the validation data, or without
   * them on up to 1,024 images of the training data: patches are as long, on average, as by the entropies of the data.
   */
  async calibratedConfig(): Promise<ImageConfig> {
    const config = boundaryConfigOf(this.options.model);
    if (config?.boundaryHead === undefined) return this.options.model.config;
    const { threshold } = await this.calibrate();
    const calibrated: DparConfig = { ...config, boundaryHead: { ...config.boundaryHead, threshold } };
    return calibrated;
  }

  /** Compares the boundary head with the entropies of the data, once per step. @throws DparError without a boundary head. */
  private async calibrate(): Promise<BoundaryValidation> {
    const { step, calibration } = this;
    if (calibration?.step === step) return calibration.result;
    const result = await this.measureBoundary(this.parameters);
    this.calibration = { step, result };
    return result;
  }

  private async measureBoundary(parameters: Tensors<HostTensor>): Promise<BoundaryValidation> {
    const { validation, model, engine } = this.options;
    this.boundary ??= createBoundaryValidator(engine, model);
    return validation === undefined
      ? this.boundary.measure(parameters, this.source, calibrationImages)
      : this.boundary.measure(parameters, validation);
  }

  private async trainStep(): Promise<StepMetrics> {
    const { model, batchSize, maxGradientNorm = 1, averageDecay, optimizerThread, trained } = this.options;
    const begin = performance.now();
    const step = this.step;

    const batch = await this.batchAt(step);
    const loaded = performance.now();
    const { loss, boundaryLoss, gradients, patches, positions } = await this.gradients.run(
      this.parameters,
      batch,
      step,
    );
    const computed = performance.now();

    const tensors = this.average;
    const average = tensors && averageDecay !== undefined ? { tensors, decay: averageDecay } : undefined;
    const update = await this.optimizer.begin(gradients, { average, thread: optimizerThread });
    // The head is clipped on its own, so that it does not change the steps of the other parameters.
    const headNorm = update.normOf(isBoundaryParameter);
    const gradientNorm = trained === 'boundary_head' ? headNorm : update.normOf((name) => !isBoundaryParameter(name));
    const pairs = [
      [loss, gradientNorm],
      [boundaryLoss ?? 0, headNorm],
    ] as const;
    const wrong = pairs.find((pair) => !pair.every(Number.isFinite));
    if (wrong !== undefined) {
      await update.cancel();
      // The same step, with gradients half as large in float16.
      if (this.lossScaler?.shrink(loss + (boundaryLoss ?? 0))) return this.trainStep();
      throw notFinite(step, wrong, batch);
    }
    const learningRate = this.schedule(step);
    const scale = clipFactor(gradientNorm, maxGradientNorm);
    const headScale = clipFactor(headNorm, maxGradientNorm);
    await update.apply({ learningRate, gradientScale: (name) => (isBoundaryParameter(name) ? headScale : scale) });
    this.lossScaler?.grow();
    const end = performance.now();

    const seconds = (end - begin) / 1000;
    return {
      step: step + 1,
      epoch: this.order.epochOf(step),
      loss,
      ...(boundaryLoss !== undefined && { boundaryLoss }),
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

  /**
   * Mean loss over the validation data: nats per token; if only a boundary head is trained, its squared error in nats^2.
   * @throws DparError without validation data.
   */
  async validate(parameters = this.parameters): Promise<number> {
    checkArguments('Trainer.validate', { parameters }, { 'parameters?': 'object' });

    const { validation, batchSize, trained } = this.options;
    if (validation === undefined)
      throw new DparError("Trainer.validate: expected 'validation' data, got none. Pass it to the constructor.");
    if (trained === 'boundary_head') return (await this.measureBoundary(parameters)).loss;
    return this.validator.loss(parameters, validation, batchSize);
  }

  /** Frees compiled graphs, and closes the sources of data and the optimizer's thread. */
  async dispose(): Promise<void> {
    const { validation } = this.options;
    await this.gradients.dispose();
    await this.validator.dispose();
    await this.boundary?.dispose();
    await this.source.close();
    await this.options.optimizerThread?.close();
    if (validation !== undefined && isTokenSource(validation)) await validation.close();
  }
}

function notFinite(step: number, [loss, gradientNorm]: readonly [number, number], { images }: Batch): DparError {
  const shown = images.length > 16 ? `${images.slice(0, 16).join(', ')}, ...` : images.join(', ');
  return new DparError(
    `Trainer: expected a finite loss and gradient norm, got ${loss} and ${gradientNorm} at step ${step + 1}, ` +
      `with the batch of images ${shown}. Lower the learning rate, or start from an earlier checkpoint.`,
  );
}
