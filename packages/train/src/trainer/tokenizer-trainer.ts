import type { KindsOf } from '@dpar/check';
import type { FeatureNetwork } from '@dpar/eval';
import { checkParameters, initializeParameters, modelArgument } from '@dpar/nn';
import { DparError, type Engine, float32, type HostTensor, type HostTensorOf, named, type Tensors } from '@dpar/tensor';
import {
  type AdversarialLoss,
  discriminatorSpecs,
  fitCodebook,
  isDiscriminatorParameter,
  type TokenizerLoss,
  type TokenizerModel,
  trainingOf,
} from '@dpar/tokenizer';
import { randomStream } from '../batches/batch-order.js';
import { type PictureSource, picturesToImages } from '../batches/pictures.js';
import { checkArguments } from '../check-arguments.js';
import { AdamW, type AdamWOptions, adamWOptionsKinds } from '../optimizer/adamw.js';
import { clipFactor, copyParameters, globalNorm } from '../optimizer/named-tensors.js';
import { checkSchedule, constantSchedule, type Schedule } from '../optimizer/schedule.js';
import { createTokenizerStep, type TokenizerStep } from '../step/tokenizer-step.js';
import {
  createTokenizerValidator,
  type TokenizerValidation,
  type TokenizerValidator,
} from '../step/validate-tokenizer.js';
import { CodeUsage, drawnCodebook } from './code-usage.js';
import type { StepMetrics } from './metrics.js';
import { optimizerTensors, type RunTrainer, validationIsDue } from './run-trainer.js';

/** A discriminator that is trained beside a tokenizer. */
export interface AdversarialOptions extends AdversarialLoss {
  /** Steps without it, in which the tokenizer learns rough forms. */
  readonly start: number;
  /** Learning rate of the discriminator, in learning rates of the tokenizer (default 1). */
  readonly learningRateRatio?: number | undefined;
}

/** Options of a {@link TokenizerTrainer}. */
export interface TokenizerTrainerOptions {
  readonly engine: Engine;
  /** The tokenizer. Its parameters are the starting point and are changed in place. */
  readonly model: TokenizerModel;
  readonly data: PictureSource;
  /** Pictures, in a fixed order, on which it is measured every `validateEvery` steps and after the last. */
  readonly validation?: PictureSource | undefined;
  /** Steps between validations (default: only after the last). */
  readonly validateEvery?: number | undefined;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Pictures of a step. */
  readonly batchSize: number;
  /** Seed of the first codebook, the revival of codes and the discriminator. */
  readonly seed: number;
  /** Network for the rFID of each validation (default: none). It is not disposed of. */
  readonly features?: FeatureNetwork | undefined;
  readonly loss: Omit<TokenizerLoss, 'adversarial'>;
  readonly adversarial?: AdversarialOptions | undefined;
  /** Default: constant, 1e-3. */
  readonly schedule?: Schedule | undefined;
  readonly optimizer?: AdamWOptions | undefined;
  /** Largest global norm of the gradients; larger ones are clipped to it (default 1). */
  readonly maxGradientNorm?: number | undefined;
  /** Decay of an exponential moving average of the parameters (default: no average). */
  readonly averageDecay?: number | undefined;
  /** Steps after which an unused code is moved to a state of the batch (default 100); 0: never. */
  readonly reviveAfter?: number | undefined;
  /** True to keep the codebook of the given parameters instead of making the first one from data (default: false). */
  readonly keepsCodebook?: boolean | undefined;
}

/** Kinds of {@link TokenizerTrainerOptions}. */
const optionsKinds: KindsOf<TokenizerTrainerOptions> = {
  engine: 'Engine',
  model: modelArgument,
  data: 'object',
  'validation?': 'object',
  'validateEvery?': 'number',
  steps: 'number | NaN',
  batchSize: 'number',
  seed: 'number',
  'features?': 'object',
  loss: 'object',
  'adversarial?': 'object',
  'schedule?': 'any',
  'optimizer?': adamWOptionsKinds,
  'maxGradientNorm?': 'number',
  'averageDecay?': 'number',
  'reviveAfter?': 'number',
  'keepsCodebook?': 'boolean',
};

/** @throws DparError if an option is missing or out of range, or if parameters do not fit the model. */
function checkOptions(options: TokenizerTrainerOptions): void {
  checkArguments('TokenizerTrainer', { options }, { options: optionsKinds });
  const { engine, model, steps, batchSize, schedule, reviveAfter = 0, adversarial } = options;
  trainingOf(model.kind);
  if (engine.precision === 'float16') {
    throw new DparError(
      `TokenizerTrainer: expected an engine that computes in float32, got '${engine.name}'. ` +
        "Leave out 'precision': tokenizers are not trained in float16.",
    );
  }
  for (const [name, value, least] of [
    ['steps', steps, 0],
    ['batchSize', batchSize, 1],
    ['reviveAfter', reviveAfter, 0],
    ['adversarial.start', adversarial?.start ?? 0, 0],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new DparError(`TokenizerTrainer: expected '${name}' to be a whole number from ${least}, got ${value}.`);
  }
  checkSchedule('TokenizerTrainer', schedule);
  checkParameters(model.kind.specs(model.config), model.parameters);
}

/** Betas of the discriminator's AdamW, as in VQGAN. */
const discriminatorBetas = [0.5, 0.9] as const;

/** States for each code that a first codebook of fixed states is fitted to. */
const statesPerCode = 64;

/** Rounds of k-means for such a codebook. */
const kMeansRounds = 12;

/** Trains an image tokenizer: encoder, codebook and decoder, and a discriminator beside them. */
export class TokenizerTrainer implements RunTrainer {
  readonly model: TokenizerModel;
  readonly seed: number;
  readonly parameters: Tensors<HostTensor>;
  readonly average: Tensors<HostTensor> | undefined;
  private readonly optimizer: AdamW;
  private readonly judge: { readonly parameters: Tensors<HostTensor>; readonly optimizer: AdamW } | undefined;
  private readonly usage: CodeUsage;
  private readonly schedule: Schedule;
  private readonly validator: TokenizerValidator;
  private compiled: { readonly adversarial: boolean; readonly step: TokenizerStep } | undefined;
  private graphs = 0;

  /** @throws DparError if an option is missing or out of range, or if the parameters do not fit the model. */
  constructor(readonly options: TokenizerTrainerOptions) {
    checkOptions(options);
    const { engine, model, seed, adversarial, loss } = options;
    this.model = model;
    this.seed = seed;
    this.parameters = model.parameters;
    this.average = options.averageDecay === undefined ? undefined : copyParameters(model.parameters);
    this.optimizer = new AdamW(model.parameters, { betas: [0.9, 0.99], weightDecay: 0, ...options.optimizer });
    if (adversarial !== undefined) {
      const parameters = initializeParameters(discriminatorSpecs(adversarial.discriminator), seed);
      const optimizer = new AdamW(parameters, { betas: discriminatorBetas, weightDecay: 0 });
      this.judge = { parameters, optimizer };
    }
    this.usage = new CodeUsage(model.config.codebookSize);
    this.schedule = options.schedule ?? constantSchedule(1e-3);
    this.validator = createTokenizerValidator(engine, model, loss, options.features);
  }

  get step(): number {
    return this.optimizer.step;
  }

  get dataDigests(): Record<string, string> {
    const { data, validation } = this.options;
    return { 'data.images': data.identity, ...(validation && { 'data.validation': validation.identity }) };
  }

  /** Runs the remaining steps and yields the metrics of each: see `Trainer.run`. */
  run(signal?: AbortSignal): AsyncGenerator<StepMetrics> {
    checkArguments('TokenizerTrainer.run', { signal }, { 'signal?': 'AbortSignal' });
    return this.runSteps(signal);
  }

  private async *runSteps(signal?: AbortSignal): AsyncGenerator<StepMetrics> {
    const { steps } = this.options;
    if (this.step === 0 && steps > 0) await this.startCodebook();
    while (this.step < steps && !signal?.aborted) {
      const metrics = await this.trainStep();
      if (!validationIsDue(this.options, this.step)) yield metrics;
      else {
        const { loss, psnr, ssim, codesInUse, images, fid } = await this.validate();
        const found = { validationPsnr: psnr, validationSsim: ssim, validationCodesInUse: codesInUse };
        const distance = fid === undefined ? {} : { validationFid: fid, validationImages: images };
        yield { ...metrics, validationLoss: loss, ...found, ...distance };
      }
    }
  }

  /** Measures the tokenizer on the validation pictures. @throws DparError without them. */
  async validate(parameters = this.parameters): Promise<TokenizerValidation> {
    checkArguments('TokenizerTrainer.validate', { parameters }, { 'parameters?': 'object' });
    const { validation } = this.options;
    if (validation === undefined)
      throw new DparError("TokenizerTrainer.validate: expected 'validation' pictures, got none. Pass them.");
    return this.validator.measure(parameters, validation);
  }

  private async trainStep(): Promise<StepMetrics> {
    const { data, batchSize, averageDecay, maxGradientNorm = 1, reviveAfter = 100, adversarial } = this.options;
    const begin = performance.now();
    const done = this.step;
    const batch = await data.batch(done);
    const loaded = performance.now();
    const judge = adversarial !== undefined && done >= adversarial.start ? this.judge : undefined;
    const step = await this.stepFor(judge !== undefined);
    const tensors = judge ? { ...this.parameters, ...judge.parameters } : this.parameters;
    const { scalars, codes, states, gradients } = await step.run(tensors, picturesToImages(batch));
    const computed = performance.now();

    const own = pick(gradients, (name) => !isDiscriminatorParameter(name));
    const gradientNorm = globalNorm(own);
    if (!Number.isFinite(scalars.loss) || !Number.isFinite(gradientNorm)) {
      throw new DparError(
        `TokenizerTrainer: expected a finite loss and gradient norm, got ${scalars.loss} and ${gradientNorm} at step ` +
          `${done + 1}. Lower the learning rate, or start from an earlier checkpoint.`,
      );
    }
    const learningRate = this.schedule(done);
    const average = this.average;
    this.optimizer.update(own, {
      learningRate,
      gradientScale: clipFactor(gradientNorm, maxGradientNorm),
      ...(average && averageDecay !== undefined && { average: { tensors: average, decay: averageDecay } }),
    });
    if (judge !== undefined) {
      const theirs = pick(gradients, isDiscriminatorParameter);
      judge.optimizer.update(theirs, {
        learningRate: learningRate * (adversarial?.learningRateRatio ?? 1),
        gradientScale: clipFactor(globalNorm(theirs), maxGradientNorm),
      });
    }
    const revived = this.reviveCodes(codes, states, reviveAfter);
    const end = performance.now();
    const seconds = (end - begin) / 1000;
    const { loss, ...terms } = scalars;
    return {
      step: this.step,
      epoch: data.epochOf(done),
      loss,
      ...terms,
      gradientNorm,
      learningRate,
      seconds,
      waitSeconds: (loaded - begin) / 1000,
      optimizerSeconds: (end - computed) / 1000,
      imagesPerSecond: batchSize / seconds,
      meanPatchLength: 1,
      paddingShare: 0,
      graphs: this.graphs + step.signatures,
      codesInUse: this.usage.usedSince(Math.max(0, this.step - (reviveAfter || 100))),
      revivedCodes: revived,
    };
  }

  /** The compiled step, with or without the discriminator. */
  private async stepFor(adversarial: boolean): Promise<TokenizerStep> {
    if (this.compiled?.adversarial === adversarial) return this.compiled.step;
    const { engine, model, loss, adversarial: settings } = this.options;
    this.graphs += this.compiled?.step.signatures ?? 0;
    await this.compiled?.step.dispose();
    const step = createTokenizerStep(engine, model, { ...loss, ...(adversarial && { adversarial: settings }) });
    this.compiled = { adversarial, step };
    return step;
  }

  /** Notes which codes were used, and moves those that were not for long. @returns Their number. */
  private reviveCodes(codes: HostTensor, states: HostTensor, reviveAfter: number): number {
    const { step, usage } = this;
    usage.note(codes.data as Int32Array, step);
    if (reviveAfter === 0 || step < reviveAfter) return 0;
    const dead = usage.deadSince(step - reviveAfter);
    if (dead.length === 0) return 0;
    const { codebook } = trainingOf(this.model.kind);
    const books = [this.parameters, this.average].flatMap((tensors) => (tensors ? [named(tensors, codebook)] : []));
    const random = randomStream(this.seed, 'codes', step);
    usage.revive(dead, books, this.optimizer.moments[codebook], states, codes.data as Int32Array, step, random);
    return dead.length;
  }

  /** Makes the first codebook from the training pictures. */
  private async startCodebook(): Promise<void> {
    const { engine, model, data, batchSize, seed, keepsCodebook = false } = this.options;
    if (keepsCodebook) return;
    const { kind, config } = model;
    const training = trainingOf(kind);
    const compiled = engine.compile((ops, { image, ...parameters }) => ({
      states: training.states(ops, config, parameters, image as never),
    }));
    try {
      const K = config.codebookSize;
      const wanted = training.hasFixedStates ? statesPerCode * K : K;
      const parts: Float32Array[] = [];
      let D = 1;
      for (let batch = 0, found = 0; found < wanted && batch * batchSize <= data.images; batch++) {
        const { states } = await compiled.run({ ...this.parameters, image: picturesToImages(await data.batch(batch)) });
        D = states?.shape.at(-1) ?? 1;
        parts.push(Float32Array.from((states as HostTensor).data));
        found += (states as HostTensor).data.length / D;
      }
      const joined = join(parts, D);
      const book = training.hasFixedStates
        ? await fitCodebook(engine, joined, { codes: K, seed, iterations: kMeansRounds })
        : drawnCodebook(joined, K, randomStream(seed, 'codes', 0));
      for (const [name, { data: values }] of Object.entries(training.startWith(book))) {
        for (const tensors of [this.parameters, this.average]) {
          if (tensors !== undefined) (named(tensors, name).data as Float32Array).set(values as Float32Array);
        }
      }
    } finally {
      await compiled.dispose();
    }
  }

  /** State beside the parameters, by name: moments, the discriminator with its moments, and when each code was used. */
  state(): Record<string, HostTensor> {
    const own = optimizerTensors(this.parameters, this.optimizer);
    const judge = this.judge && {
      ...this.judge.parameters,
      ...optimizerTensors(this.judge.parameters, this.judge.optimizer),
    };
    return { ...own, ...judge, code_used_at: this.usage.usedAt };
  }

  /** Continues after a step, once parameters and {@link state} have their values of that step. */
  resumeAt(step: number): void {
    checkArguments('TokenizerTrainer.resumeAt', { step }, { step: 'number' });
    this.optimizer.restore(step, this.optimizer.moments);
    const { adversarial } = this.options;
    this.judge?.optimizer.restore(Math.max(0, step - (adversarial?.start ?? 0)), this.judge.optimizer.moments);
  }

  async configNow(): Promise<Record<string, unknown>> {
    return this.model.kind.writeConfig(this.model.config);
  }

  async dispose(): Promise<void> {
    await this.compiled?.step.dispose();
    await this.validator.dispose();
    await this.options.data.close();
    await this.options.validation?.close();
  }
}

function pick(tensors: Tensors<HostTensor>, isPicked: (name: string) => boolean): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => isPicked(name)));
}

/** Rows of several tensors as one, [n, D]. */
function join(parts: readonly Float32Array[], D: number): HostTensorOf<'float32'> {
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  const data = new Float32Array(total);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return float32([total / D, D], data);
}
