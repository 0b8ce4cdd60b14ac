import { countParameters } from '@dpar/nn';
import { median } from '@dpar/report';
import type { Engine, HostTensor } from '@dpar/tensor';
import {
  cosineSchedule,
  initializeNarrow,
  type StepMetrics,
  type TokenSet,
  type TrainableModel,
  Trainer,
} from '@dpar/train';
import type { Progress } from '../progress.js';
import type { TrainingSettings } from '../settings.js';

/** The loss at one moment of a training run. */
export interface LossPoint {
  readonly step: number;
  /** Of training so far; validation and compilation left out. */
  readonly seconds: number;
  /** 10^12 floating-point operations of training so far. */
  readonly teraFlop: number;
  /** Nats per token. */
  readonly loss: number;
}

/** What came of training one model. */
export interface TrainingResult {
  readonly parameterCount: number;
  /** Floating-point operations of one training step for one image, forward and backward. */
  readonly flopPerImage: number;
  /** Median time of a training step in seconds. */
  readonly stepSeconds: number;
  /** Training, with compilation and without validation. */
  readonly trainingSeconds: number;
  /** Mean of the last steps before each point. */
  readonly training: readonly LossPoint[];
  readonly validation: readonly LossPoint[];
  /** Nats per token over the validation images, after the last step. */
  readonly validationLoss: number;
  /** Graphs that were compiled. */
  readonly graphs: number;
}

/** A trained model's weights and how it went. */
export interface Trained {
  readonly parameters: Record<string, HostTensor>;
  readonly result: TrainingResult;
}

/** What is trained. */
export interface TrainingTask {
  readonly name: string;
  readonly model: TrainableModel;
  /**
   * Multiply-accumulates of a forward pass for one image; training counts them six times (two operations each, and a
   * backward pass costs twice as much as a forward pass).
   */
  readonly forwardMacs: number;
  readonly settings: TrainingSettings;
  readonly seed: number;
}

/** The images that models are trained and validated on. */
export interface TrainingData {
  readonly train: TokenSet;
  readonly validation: TokenSet;
}

/**
 * Trains models side by side, a step of each in turn: whatever else the machine does slows all of them down alike, so
 * that their times can be compared.
 */
export async function trainSideBySide<const Tasks extends readonly TrainingTask[]>(
  engine: Engine,
  tasks: Tasks,
  data: TrainingData,
  progress: Progress,
): Promise<{ readonly [K in keyof Tasks]: Trained }> {
  const runs = tasks.map((task) => new TrainingRun(engine, task, data));
  for (let running = [...runs]; running.length > 0; ) {
    const before = running;
    running = [];
    for (const run of before) if (await run.step()) running.push(run);
    progress.update(runs[0]?.stepsDone ?? 0, runs.map((run) => run.note).join(' · '));
  }
  return (await Promise.all(runs.map((run) => run.finish()))) as { [K in keyof Tasks]: Trained };
}

/** Points of a training curve. */
const curvePoints = 60;

/**
 * DPAR's batches are put together from this many batches by their numbers of patches. More would save padding, but make
 * small batches so one-sided (all flags, all faces) that the loss falls more slowly.
 */
const windowBatches = 4;

/** One model's training, a step at a time, with its records. */
class TrainingRun {
  private readonly parameters: Record<string, HostTensor>;
  private readonly trainer: Trainer;
  private readonly metrics: AsyncGenerator<StepMetrics>;
  private readonly training: LossPoint[] = [];
  private readonly validation: LossPoint[] = [];
  /** Seconds of the steps that compiled nothing. */
  private readonly times: number[] = [];
  private readonly flopPerImage: number;
  /** Losses since the last point of the curve. */
  private recent: number[] = [];
  private seconds = 0;
  private trainingSeconds = 0;
  private graphs = 0;

  constructor(
    engine: Engine,
    private readonly task: TrainingTask,
    data: TrainingData,
  ) {
    const { model, settings, seed, forwardMacs } = task;
    const { steps, batchSize, learningRate, warmupSteps, validations } = settings;
    this.flopPerImage = 6 * forwardMacs;
    this.parameters = initializeNarrow(model.specs, seed);
    this.trainer = new Trainer({
      engine,
      model,
      parameters: this.parameters,
      data: data.train,
      validation: data.validation,
      validateEvery: Math.ceil(steps / validations),
      steps,
      batchSize,
      seed,
      windowBatches,
      schedule: cosineSchedule({ learningRate, steps, warmupSteps, finalFraction: 0.05 }),
    });
    this.metrics = this.trainer.run();
  }

  get stepsDone(): number {
    return this.trainer.step;
  }

  /** The newest losses, for a progress bar. */
  get note(): string {
    const [loss, validation] = [this.training.at(-1)?.loss, this.validation.at(-1)?.loss];
    if (loss === undefined) return this.task.name;
    return `${this.task.name} ${loss.toFixed(3)}${validation === undefined ? '' : ` (validation ${validation.toFixed(3)})`}`;
  }

  /** Trains one step. Returns whether there was one left. */
  async step(): Promise<boolean> {
    const { done, value: metrics } = await this.metrics.next();
    if (done) return false;
    const { steps, batchSize } = this.task.settings;
    this.trainingSeconds += metrics.seconds;
    // A step that compiled a graph says nothing of the speed: it counts as the median of the others.
    const compiled = metrics.graphs > this.graphs;
    this.graphs = metrics.graphs;
    if (!compiled) this.times.push(metrics.seconds);
    this.seconds += compiled && this.times.length > 0 ? median(this.times) : metrics.seconds;
    const { step } = metrics;
    const { seconds } = this;
    const teraFlop = (step * batchSize * this.flopPerImage) / 1e12;
    this.recent.push(metrics.loss);
    if (step % Math.max(1, Math.round(steps / curvePoints)) === 0 || step === steps) {
      this.training.push({ step, seconds, teraFlop, loss: mean(this.recent) });
      this.recent = [];
    }
    if (metrics.validationLoss !== undefined) {
      this.validation.push({ step, seconds, teraFlop, loss: metrics.validationLoss });
    }
    return true;
  }

  async finish(): Promise<Trained> {
    await this.trainer.dispose();
    return {
      parameters: this.parameters,
      result: {
        parameterCount: countParameters(this.task.model.specs),
        flopPerImage: this.flopPerImage,
        stepSeconds: median(this.times),
        trainingSeconds: this.trainingSeconds,
        training: this.training,
        validation: this.validation,
        validationLoss: this.validation.at(-1)?.loss ?? Number.NaN,
        graphs: this.graphs,
      },
    };
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
