import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder, writeFileAtomic } from '@dpar/io/node';
import { formatSeconds, median } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import { isTokenizerConfig, type TrainConfig } from '@dpar/train';
import { createTokenizerTrainer, createTrainer, train } from '@dpar/train/node';
import type { Context } from '../command/command.js';
import { dataProgress } from '../train/data-progress.js';
import { samplePath } from '../train/samples.js';
import type { TrainState } from '../train/state.js';
import { TrainWatch } from '../train/watch.js';
import { stepTimes } from './measure.js';

/** Measures the time of a step of a training run on its data, in seconds. Entropies that are missing are computed and kept. */
export async function measureSteps(engine: Engine, config: TrainConfig, context: Context): Promise<number> {
  const data = dataProgress(context);
  const options = { signal: context.signal, onProgress: data.update };
  const trainer = isTokenizerConfig(config)
    ? await createTokenizerTrainer(engine, config, options)
    : await createTrainer(engine, config, options);
  try {
    return median(await stepTimes(trainer.run(context.signal)));
  } finally {
    data.stop();
    await trainer.dispose();
    context.signal.throwIfAborted();
  }
}

/** Surroundings of a training stage. */
export interface TrainingView {
  readonly title: string;
  /** Seconds until the whole run ends, after this stage has `seconds` left. */
  totalLeft(seconds: number): number;
  /** Called after each checkpoint. */
  onCheckpoint(): Promise<void>;
  /** Folder of the run's grids. */
  readonly grids: string;
  /** Path of the newest grid of drawn images; undefined if this stage draws none. */
  readonly grid: string | undefined;
}

/** Trains a model, or resumes its training. @throws the signal's reason when it is aborted, after a checkpoint. */
export async function runTraining(
  engine: Engine,
  config: TrainConfig,
  view: TrainingView,
  context: Context,
): Promise<void> {
  const display: typeof import('../train/display.js').createDisplay = ({ progress }, steps, start) => {
    const bar = progress({ label: view.title, unit: 'steps', total: steps, start });
    return { show: (state) => bar.update(state.step, noteOf(state, view)), stop: () => bar.stop() };
  };
  const watch = await TrainWatch.create(config, engine, context, { resume: true, displayOf: display });
  const data = dataProgress(context);
  let [checkpoint, shown] = [Promise.resolve(), ''];
  try {
    const steps = train(engine, config, {
      signal: context.signal,
      resume: true,
      onData: data.update,
      onStart: async (step, trainer) => {
        data.stop();
        await watch.start(step, trainer);
        // A killed run may have drawn it without keeping it.
        const path = samplePath(config.output, step);
        if (existsSync(path)) await keepGrid(path, config.model.kind, view);
      },
      onCheckpoint: ({ seconds }) => {
        watch.checkpoint(seconds);
        checkpoint = view.onCheckpoint();
      },
    });
    for await (const metrics of steps) {
      await checkpoint;
      await watch.step(metrics);
      const { samplePath = '' } = watch;
      if (samplePath !== shown) await keepGrid(samplePath, config.model.kind, view);
      shown = samplePath;
    }
  } catch (error) {
    await watch.end(context.signal.aborted ? 'interrupted' : 'failed', error).catch(() => {}); // the first error counts
    throw error;
  } finally {
    data.stop();
  }
  await checkpoint;
  await watch.end(context.signal.aborted ? 'interrupted' : 'done');
  context.signal.throwIfAborted();
}

/** Keeps a grid that was drawn in training with those of the whole run. */
async function keepGrid(path: string, kind: string, { grids, grid }: TrainingView): Promise<void> {
  await makeFolder(grids);
  const png = await readFile(path);
  await writeFileAtomic(join(grids, `${kind}-${basename(path)}`), png);
  if (grid !== undefined) await writeFileAtomic(grid, png);
}

function noteOf({ metrics, loss, validation, left, activity }: TrainState, view: TrainingView): string {
  if (activity !== undefined) return activity;
  if (metrics === undefined) return '';
  const losses = `loss ${loss.toFixed(3)}${validation ? `, validation ${validation.last.toFixed(3)}` : ''}`;
  return left === undefined ? losses : `${losses}, ${formatSeconds(view.totalLeft(left))} left in all`;
}
