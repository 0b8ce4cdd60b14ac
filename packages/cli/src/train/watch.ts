import { existsSync } from 'node:fs';
import type { FeatureNetwork } from '@dpar/eval';
import type { RunRecord } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import {
  isTokenizerConfig,
  type RunTrainer,
  type StepMetrics,
  type TrainConfig,
  tokenizerFromSettings,
} from '@dpar/train';
import type { Context } from '../command/command.js';
import { formatMemory, machine } from '../machine.js';
import { LiveReport, readRecord, writeRecord } from '../report/report.js';
import { createDisplay, type TrainDisplay } from './display.js';
import { prepareReconstructions } from './reconstructions.js';
import { prepareSamples, type SampleGrids, samplePath } from './samples.js';
import { TrainFollower } from './state.js';

/** Work beside the steps, by its name in the record. */
type Beside = 'validation' | 'checkpoints' | 'samples' | 'report';

/** Options of {@link TrainWatch.create}. */
interface WatchOptions {
  /** True to resume an earlier run in the same folder. */
  readonly resume?: boolean;
  /** Network of the rFID of a tokenizer. */
  readonly features?: Pick<FeatureNetwork, 'name' | 'resize'> | undefined;
  /** Makes the display. */
  readonly displayOf?: typeof createDisplay;
}

/** Parts of a watch that exist from the first step on. */
interface Watched {
  readonly trainer: RunTrainer;
  readonly follower: TrainFollower;
  readonly display: TrainDisplay;
}

const clock = (): number => performance.now() / 1000;

/**
 * Watches a training run: shows it, draws its samples, and updates its record (`run.json`) and its report. It does not change
 * the weights.
 */
export class TrainWatch {
  private readonly report: LiveReport;
  private watched: Watched | undefined;
  /** Time when the last step was processed, in seconds. */
  private handledAt = clock();
  /** True once the record of this run is written. */
  private recorded = false;
  /** Time of checkpoints since then, in seconds. */
  private checkpointing = 0;

  private constructor(
    private readonly config: TrainConfig,
    private readonly context: Context,
    private readonly samples: SampleGrids | undefined,
    private readonly about: Pick<RunRecord, 'machine' | 'features'>,
    private readonly seconds: Record<string, number>,
    private readonly displayOf: typeof createDisplay,
  ) {
    this.report = new LiveReport(config.output);
  }

  /**
   * Makes a watch before the training starts.
   * @throws CommandError or DparError for settings that cannot draw samples.
   */
  static async create(
    config: TrainConfig,
    engine: Engine,
    context: Context,
    { resume = false, features, displayOf = createDisplay }: WatchOptions = {},
  ): Promise<TrainWatch> {
    const samples = isTokenizerConfig(config)
      ? await prepareReconstructions(config, engine)
      : await prepareSamples(config, engine);
    const earlier = resume ? await readRecord(config.output) : undefined;
    const { memory_bytes, ...versions } = machine();
    const about = {
      machine: { engine: engine.name, ...versions, memory: formatMemory(memory_bytes) },
      ...(features && { features: { network: features.name, resize: features.resize } }),
    };
    return new TrainWatch(config, context, samples, about, { ...earlier?.seconds }, displayOf);
  }

  /** Starts at the first step, or resumes after `step` steps, whose samples it draws if a killed run had not drawn them. */
  async start(step: number, trainer: RunTrainer): Promise<void> {
    const { config } = this;
    const { steps, model } = config;
    const codebookSize = isTokenizerConfig(config)
      ? tokenizerFromSettings(config.model).config.codebookSize
      : undefined;
    const follower = new TrainFollower({ kind: model.kind, steps, codebookSize }, step, clock);
    const display = this.displayOf(this.context, steps, step);
    display.show(follower.state, true);
    this.watched = { trainer, follower, display };
    if (step > 0 && !existsSync(samplePath(config.output, step))) await this.drawIfDue(step, this.watched);
    this.handledAt = clock();
  }

  /** Records the time of a checkpoint. */
  checkpoint(seconds: number): void {
    this.spend('checkpoints', seconds);
    this.checkpointing += seconds;
  }

  /** Path of the newest grid of samples. */
  get samplePath(): string | undefined {
    return this.watched?.follower.samples;
  }

  /** Processes a finished step. Until it returns, the weights must not change. */
  async step(metrics: StepMetrics): Promise<void> {
    if (this.watched === undefined) return;
    const { follower, display } = this.watched;
    const validated = metrics.validationLoss !== undefined;
    if (validated) this.spend('validation', clock() - this.handledAt - metrics.seconds - this.checkpointing);
    follower.step(metrics);
    display.show(follower.state);
    const sampled = await this.drawIfDue(metrics.step, this.watched);
    if (!this.recorded || validated || sampled || this.checkpointing > 0) await this.renew('running');
    this.checkpointing = 0;
    this.handledAt = clock();
  }

  /** Shows and records the end of the run. Does nothing if the run did not start. */
  async end(state: 'done' | 'interrupted' | 'failed', error?: unknown): Promise<void> {
    if (this.watched === undefined) return;
    const { follower, display } = this.watched;
    follower.end = state;
    follower.activity = undefined;
    display.show(follower.state, true);
    display.stop();
    // A run that failed before its first step leaves no record, so that the same command can be run again.
    if (follower.state.step > 0) await this.renew(state, error);
  }

  private async drawIfDue(step: number, { trainer, follower, display }: Watched): Promise<boolean> {
    const { samples, context } = this;
    if (samples?.isDue(step) !== true || context.signal.aborted) return false;
    const begin = clock();
    follower.activity = 'drawing samples';
    display.show(follower.state, true);
    try {
      await trainer.download?.();
      follower.samples = await samples.draw(step, trainer.average ?? trainer.parameters, context.signal);
    } catch (error) {
      // An interrupted run ends with this step and its checkpoint, without a grid.
      if (!context.signal.aborted) throw error;
      return false;
    } finally {
      follower.activity = undefined;
      this.spend('samples', clock() - begin);
    }
    display.show(follower.state, true);
    return true;
  }

  private async renew(state: RunRecord['state'], error?: unknown): Promise<void> {
    const begin = clock();
    const { about, seconds, config } = this;
    const message = error instanceof Error ? { message: error.message } : {};
    await writeRecord(config.output, { state, ...message, ...about, seconds });
    this.recorded = true;
    await (state === 'running' ? this.report.renew() : this.report.write());
    this.spend('report', clock() - begin);
  }

  private spend(what: Beside, seconds: number): void {
    this.seconds[what] = (this.seconds[what] ?? 0) + Math.max(0, seconds);
  }
}
