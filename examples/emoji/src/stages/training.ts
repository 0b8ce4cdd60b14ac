import type { Progress } from '@dpar/example-kit';
import type { ImageArchitecture } from '@dpar/nn';
import type { Engine, HostTensor } from '@dpar/tensor';
import { cosineSchedule, initializeNarrow, type StepMetrics, type TokenSet, Trainer } from '@dpar/train';
import type { TrainingSettings } from '../settings.js';
import { resultOf, type TrainingResult } from './training-result.js';

/** A model to train. */
export interface TrainingTask {
  readonly name: string;
  readonly model: ImageArchitecture;
  /** Multiply-accumulates of a forward pass for one image. */
  readonly forwardMacs: number;
  readonly settings: TrainingSettings;
  readonly seed: number;
}

/** A trained model's weights and the figures of its training. */
export interface Trained {
  readonly parameters: Record<string, HostTensor>;
  readonly result: TrainingResult;
}

/** Tokens that models are trained and validated on. */
export interface TrainingData {
  readonly train: TokenSet;
  readonly validation: TokenSet;
}

/**
 * Batches among which DPAR's batches are grouped by their numbers of patches. More would save padding. It would also make
 * small batches so one-sided (all flags, all faces) that the loss falls more slowly.
 */
const windowBatches = 4;

/** Trains models side by side. */
export async function trainSideBySide<const Tasks extends readonly TrainingTask[]>(
  engine: Engine,
  tasks: Tasks,
  data: TrainingData,
  progress: Progress,
): Promise<{ readonly [K in keyof Tasks]: Trained }> {
  const runs = tasks.map((task) => {
    const { name, model, settings, seed } = task;
    const { steps, batchSize, learningRate, warmupSteps, validations } = settings;
    const parameters = initializeNarrow(model.kind.specs(model.config), seed);
    const trainer = new Trainer({
      engine,
      model: { ...model, parameters },
      data: data.train,
      validation: data.validation,
      validateEvery: Math.ceil(steps / validations),
      steps,
      batchSize,
      seed,
      windowBatches,
      schedule: cosineSchedule({ learningRate, steps, warmupSteps, finalFraction: 0.05 }),
    });
    return { name, task, parameters, trainer, steps: trainer.run(), metrics: [] as StepMetrics[] };
  });
  await takeTurns(runs, progress, (run, metrics) => run.metrics.push(metrics));
  for (const { trainer } of runs) await trainer.dispose();
  const trained = runs.map(({ task: { model, forwardMacs, settings }, parameters, metrics }) => ({
    parameters,
    result: resultOf(model, forwardMacs, settings.batchSize, metrics),
  }));
  return trained as { [K in keyof Tasks]: Trained };
}

/** Takes a step of each run in turn, so that other load on the machine slows all of them alike. */
export async function takeTurns<Run extends { readonly name: string; readonly steps: AsyncIterator<StepMetrics> }>(
  runs: readonly Run[],
  progress: Progress,
  onStep: (run: Run, metrics: StepMetrics) => void = () => {},
): Promise<void> {
  const notes = new Map<string, string>();
  const validation = new Map<string, string>();
  for (let running = [...runs]; running.length > 0; ) {
    const left: Run[] = [];
    for (const run of running) {
      const { done, value: metrics } = await run.steps.next();
      if (done) continue;
      left.push(run);
      onStep(run, metrics);
      const { loss, validationLoss } = metrics;
      if (validationLoss !== undefined) validation.set(run.name, ` (validation ${validationLoss.toFixed(3)})`);
      notes.set(run.name, `${run.name} ${loss.toFixed(3)}${validation.get(run.name) ?? ''}`);
      progress.update(metrics.step, [...notes.values()].join(' · '));
    }
    running = left;
  }
}
