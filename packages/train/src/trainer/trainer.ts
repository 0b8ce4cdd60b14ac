import { BatchQueue } from '@dpar/images';
import { type DparConfig, isBoundaryParameter } from '@dpar/model';
import { type ImageConfig, type ImageModel, nullClassOf } from '@dpar/nn';
import { type DeviceTensor, DparError, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { BatchOrder } from '../batches/batch-order.js';
import { checkBatch } from '../batches/check-set.js';
import type { Batch } from '../batches/token-set.js';
import { isTokenSource, sourceOf, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { AdamW, type AdamWAverage } from '../optimizer/adamw.js';
import { DeviceAdamW } from '../optimizer/device-adamw.js';
import { clipFactor, copyParameters } from '../optimizer/named-tensors.js';
import { constantSchedule, type Schedule } from '../optimizer/schedule.js';
import { BatchGradients, type BatchGradientsResult } from '../step/batch-gradients.js';
import { dropClasses } from '../step/dropout.js';
import { LossScaler, lossScalerName } from '../step/loss-scaler.js';
import { noisyTokens } from '../step/token-noise.js';
import { boundaryConfigOf, trainedParameters, trainsHead } from '../step/trained.js';
import { createValidator, type Validator } from '../step/validate.js';
import { type BoundaryValidation, type BoundaryValidator, createBoundaryValidator } from '../step/validate-boundary.js';
import type { StepMetrics } from './metrics.js';
import { optimizerTensors, type RunTrainer, validationIsDue } from './run-trainer.js';
import { checkTrainerOptions, patchCountsOf, type TrainerOptions, trainerOptionsKinds } from './trainer-options.js';

type Losses = Pick<BatchGradientsResult, 'loss' | 'boundaryLoss'>;

/** Losses of a step, its norm and its work, and when the gradients were there. */
interface UpdateResult extends Omit<BatchGradientsResult, 'gradients'> {
  readonly gradientNorm: number;
  readonly computed: number;
}

/** Largest number of training images that calibrate a boundary head. */
const calibrationImages = 1024;

/** Trains a model: steps of forward pass, backward pass, clipping and AdamW, in an order that the seed decides. */
export class Trainer implements RunTrainer {
  /**
   * The parameters, changed by each step. With an engine that has memory of its own (`hasDeviceMemory`), they and the tensors of
   * optimizer and average are those of the last `download`, which the end of `run` calls too.
   */
  readonly parameters: Tensors<HostTensor>;
  readonly optimizer: AdamW;
  /** Moving average of the parameters, with `averageDecay`. */
  readonly average: Tensors<HostTensor> | undefined;
  private readonly order: BatchOrder;
  private readonly source: TokenSource;
  private readonly batches: BatchQueue<Batch>;
  private readonly schedule: Schedule;
  private readonly gradients: BatchGradients;
  /** Parameters and optimizer in the memory of the engine, if it has one. */
  private readonly device: DeviceAdamW | undefined;
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
    if (engine.hasDeviceMemory) {
      this.device = new DeviceAdamW(engine, {
        parameters: model.parameters,
        optimizer: this.optimizer,
        average: this.averageWithDecay,
        maxGradientNorm: options.maxGradientNorm ?? 1,
        groupOf: (name) => (isBoundaryParameter(name) ? 'head' : 'others'),
      });
    }
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
    try {
      while (this.step < this.options.steps && !signal?.aborted) {
        const metrics = await this.trainStep();
        yield validationIsDue(this.options, this.step) ? { ...metrics, ...(await this.validationMetrics()) } : metrics;
      }
    } finally {
      await this.download();
    }
  }

  /** Copies parameters, moments and average of this step from the memory of the engine to the host, if they are there. */
  async download(): Promise<void> {
    await this.device?.download();
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
    this.device?.reset();
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
    const result = await this.measureBoundary(await this.parametersNow());
    this.calibration = { step, result };
    return result;
  }

  /** The parameters, where they are. */
  private async parametersNow(): Promise<Tensors<HostTensor | DeviceTensor>> {
    return this.device === undefined ? this.parameters : this.device.parameters();
  }

  private async measureBoundary(parameters: Tensors<HostTensor | DeviceTensor>): Promise<BoundaryValidation> {
    const { validation, model, engine } = this.options;
    this.boundary ??= createBoundaryValidator(engine, model);
    return validation === undefined
      ? this.boundary.measure(parameters, this.source, calibrationImages)
      : this.boundary.measure(parameters, validation);
  }

  private async trainStep(): Promise<StepMetrics> {
    const { model, batchSize } = this.options;
    const begin = performance.now();
    const step = this.step;

    const batch = await this.batchAt(step);
    const loaded = performance.now();
    const learningRate = this.schedule(step);
    const update = await this.takeStep(batch, learningRate);
    this.lossScaler?.grow();
    const { loss, boundaryLoss, gradientNorm, patches, positions, computed } = update;
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

  /** One update. While gradients overflow in float16, the same step is taken again with a smaller scale of the loss. */
  private async takeStep(batch: Batch, learningRate: number): Promise<UpdateResult> {
    for (;;) {
      const update = await (this.device === undefined
        ? this.stepOnHost(batch, learningRate)
        : this.stepOnDevice(this.device, batch, learningRate));
      if (update !== undefined) return update;
    }
  }

  /**
   * Gradients and their update, with the optimizer on the host.
   * @returns Undefined if gradients overflowed in float16: nothing has changed but the scale of the loss.
   * @throws DparError for what is not finite otherwise.
   */
  private async stepOnHost(batch: Batch, learningRate: number): Promise<UpdateResult | undefined> {
    const { maxGradientNorm = 1, optimizerThread } = this.options;
    const { gradients, ...result } = await this.gradients.run(this.parameters, batch, this.step);
    const computed = performance.now();
    const update = await this.optimizer.begin(gradients, { average: this.averageWithDecay, thread: optimizerThread });
    // The head is clipped on its own, so that it does not change the steps of the other parameters.
    const headNorm = update.normOf(isBoundaryParameter);
    const othersNorm = update.normOf((name) => !isBoundaryParameter(name));
    const wrong = this.wrongOf(result, othersNorm, headNorm);
    if (wrong !== undefined) {
      await update.cancel();
      return this.refuse(result, wrong, batch);
    }
    const scale = clipFactor(othersNorm, maxGradientNorm);
    const headScale = clipFactor(headNorm, maxGradientNorm);
    await update.apply({ learningRate, gradientScale: (name) => (isBoundaryParameter(name) ? headScale : scale) });
    return { ...result, gradientNorm: this.ownNorm(othersNorm, headNorm), computed };
  }

  /** The same in the memory of the engine: the batch goes up, and losses and norms come down. */
  private async stepOnDevice(
    device: DeviceAdamW,
    batch: Batch,
    learningRate: number,
  ): Promise<UpdateResult | undefined> {
    const { gradients, ...result } = await this.gradients.runOnDevice(await device.parameters(), batch, this.step);
    const computed = performance.now();
    const isValid = this.wrongOf(result, 0, 0) === undefined;
    const { norms } = isValid ? await device.update(gradients, learningRate) : { norms: {} };
    for (const gradient of Object.values(gradients)) gradient.dispose();
    const [othersNorm, headNorm] = [norms.others ?? 0, norms.head ?? 0];
    const wrong = this.wrongOf(result, othersNorm, headNorm);
    if (wrong !== undefined) return this.refuse(result, wrong, batch);
    return { ...result, gradientNorm: this.ownNorm(othersNorm, headNorm), computed };
  }

  /** Shrinks the scale of the loss. @throws DparError if that does not help. */
  private refuse({ loss, boundaryLoss = 0 }: Losses, wrong: readonly [number, number], batch: Batch): undefined {
    if (!this.lossScaler?.shrink(loss + boundaryLoss)) throw notFinite(this.step, wrong, batch);
  }

  /** Norm of the gradients that a run is about. */
  private ownNorm(others: number, head: number): number {
    return this.options.trained === 'boundary_head' ? head : others;
  }

  /** Loss and norm that are not both finite, if there are any. */
  private wrongOf(
    { loss, boundaryLoss = 0 }: Losses,
    othersNorm: number,
    headNorm: number,
  ): readonly [number, number] | undefined {
    const pairs = [
      [loss, this.ownNorm(othersNorm, headNorm)],
      [boundaryLoss, headNorm],
    ] as const;
    return pairs.find((pair) => !pair.every(Number.isFinite));
  }

  private get averageWithDecay(): AdamWAverage | undefined {
    const { averageDecay: decay } = this.options;
    return this.average === undefined || decay === undefined ? undefined : { tensors: this.average, decay };
  }

  /** Batch of a step, with dropped labels and noise. */
  private async batchAt(step: number): Promise<Batch> {
    const { data, model, seed, classDropout = 0.1, tokenNoise = 0 } = this.options;
    const batch = await this.batches.take(step);
    // The constructor has checked a set in memory.
    if (isTokenSource(data)) checkBatch(model, batch, data, 'training data');
    const { tokens } = batch;
    const nullClass = nullClassOf(model);
    return {
      ...batch,
      ...(nullClass !== undefined && { labels: dropClasses(batch.labels, nullClass, classDropout, seed, step) }),
      ...(tokenNoise > 0 && {
        tokens: noisyTokens(tokens, model.config.vocabSize, tokenNoise, seed, step),
        targets: tokens,
      }),
    };
  }

  private async loadBatch(step: number): Promise<Batch> {
    const { images, variants } = this.order.visitsAt(step);
    return this.source.load(images, variants);
  }

  /**
   * Mean loss over the validation data: nats per token; if only a boundary head is trained, its squared error in nats^2.
   * @throws DparError without validation data.
   */
  async validate(given?: Tensors<HostTensor>): Promise<number> {
    checkArguments('Trainer.validate', { parameters: given }, { 'parameters?': 'object' });

    const parameters = given ?? (await this.parametersNow());
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
    await this.device?.dispose();
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
