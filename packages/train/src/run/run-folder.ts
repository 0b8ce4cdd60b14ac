import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { linkFolder, removeFolderAtomic } from '@dpar/io/node';
import { checkArguments } from '../check-arguments.js';
import type { StepMetrics } from '../trainer/metrics.js';
import type { Trainer } from '../trainer/trainer.js';
import { type RunRecord, writeTrainerCheckpoint } from './checkpoint.js';
import type { TrainConfig } from './train-config.js';
import { readTrainerState, type TrainerState, verifyTrainerCheckpoint } from './trainer-state.js';

/** Names in the output folder of a run. */
export const runFiles = {
  config: 'train.json',
  metrics: 'metrics.jsonl',
  checkpoints: 'checkpoints',
  last: 'last',
  best: 'best',
} as const;

/** Names of what those who watch a run keep beside them, as `dpar train` does: a record, a page, and images. */
export const watchFiles = { record: 'run.json', report: 'report.html', samples: 'samples' } as const;

/** Folder of the checkpoint after a step: `checkpoints/step-000500`. */
export function stepFolder(output: string, step: number): string {
  checkArguments('stepFolder', { output, step }, { output: 'string', step: 'number' });

  return join(output, runFiles.checkpoints, `step-${String(step).padStart(6, '0')}`);
}

/** A checkpoint whose files are those that were written. */
export interface WholeCheckpoint {
  readonly folder: string;
  readonly state: TrainerState;
}

/** What {@link findCheckpoint} found. */
export interface FoundCheckpoint {
  /** The newest that is whole. */
  readonly whole: WholeCheckpoint | undefined;
  /** What is wrong with newer ones, a sentence each. */
  readonly damaged: readonly string[];
}

/** Looks for the newest whole checkpoint of a run: in `checkpoints/`, else in `last/` and `best/`. */
export async function findCheckpoint(output: string): Promise<FoundCheckpoint> {
  const damaged: string[] = [];
  let whole: WholeCheckpoint | undefined;
  const look = async (folder: string): Promise<void> => {
    try {
      const { step } = await readTrainerState(folder);
      if (whole === undefined || step > whole.state.step)
        whole = { folder, state: await verifyTrainerCheckpoint(folder) };
    } catch (error) {
      damaged.push(error instanceof Error ? error.message : String(error));
    }
  };
  for (const step of (await stepsIn(output)).reverse()) {
    if (whole === undefined) await look(stepFolder(output, step));
  }
  const names = await entriesOf(output);
  for (const name of [runFiles.last, runFiles.best]) if (names.includes(name)) await look(join(output, name));
  return { whole, damaged };
}

/** Steps of the checkpoints in `checkpoints/`, whole or not, ascending. */
async function stepsIn(output: string): Promise<number[]> {
  const names = await entriesOf(join(output, runFiles.checkpoints));
  return names.flatMap((name) => Number(/^step-(\d{6,})$/.exec(name)?.[1] ?? [])).sort((a, b) => a - b);
}

async function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** What of a run is in a folder, by the names of {@link runFiles}. */
export async function runFilesIn(output: string): Promise<string[]> {
  const names = await entriesOf(output);
  return Object.values(runFiles).filter((name) => names.includes(name));
}

/**
 * The checkpoints of a run: `checkpoints/step-000500/` for the newest of them, `last/` and `best/` as second names of the
 * newest one and of the one with the lowest validation loss. These two are folders of hard links, which take no room of
 * their own, or copies where the file system has none: unlike symbolic links they also work on Windows, and `best/` stays
 * when the folder in `checkpoints/` is removed.
 */
export class RunCheckpoints {
  private lowest = Number.POSITIVE_INFINITY;
  private newest = 0;

  constructor(
    private readonly output: string,
    private readonly settings: TrainConfig['checkpoints'],
    private readonly record: RunRecord,
  ) {}

  /** Step of the newest checkpoint, 0 if there is none. */
  get step(): number {
    return this.newest;
  }

  /** Takes over what an earlier run left, from a checkpoint on, and finishes what it was killed in. */
  async continueFrom({ folder, state }: WholeCheckpoint): Promise<void> {
    this.lowest = await verifyTrainerCheckpoint(join(this.output, runFiles.best)).then(
      ({ validation_loss: loss }) => loss ?? Number.POSITIVE_INFINITY,
      () => Number.POSITIVE_INFINITY, // there is none, or it is damaged
    );
    const place = stepFolder(this.output, state.step);
    if (folder !== place) await linkFolder(folder, place);
    await this.publish(state.step, state.validation_loss ?? undefined);
  }

  /** Whether a checkpoint is to be written after a step. */
  isDue({ step, validationLoss }: StepMetrics): boolean {
    const { every } = this.settings;
    return (every !== null && step % every === 0) || this.isBest(validationLoss);
  }

  /** Writes a checkpoint of the trainer as it stands. @returns Its folder. */
  async write(trainer: Trainer, validationLoss: number | undefined): Promise<string> {
    const folder = stepFolder(this.output, trainer.step);
    await writeTrainerCheckpoint(folder, trainer, { ...this.record, validationLoss });
    await this.publish(trainer.step, validationLoss);
    return folder;
  }

  private isBest(validationLoss: number | undefined): boolean {
    return this.settings.best && validationLoss !== undefined && validationLoss < this.lowest;
  }

  /** Brings `last/` and `best/` up to a checkpoint and removes the oldest. Nothing happens if all is done already. */
  private async publish(step: number, validationLoss: number | undefined): Promise<void> {
    const folder = stepFolder(this.output, step);
    await linkFolder(folder, join(this.output, runFiles.last));
    if (this.isBest(validationLoss)) {
      await linkFolder(folder, join(this.output, runFiles.best));
      this.lowest = validationLoss ?? this.lowest;
    }
    this.newest = step;
    // A damaged one of a later step does not count, and stays until the run has come there again.
    const steps = (await stepsIn(this.output)).filter((other) => other <= step);
    for (const old of steps.slice(0, -this.settings.keep)) await removeFolderAtomic(stepFolder(this.output, old));
  }
}
