import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { linkFolder, recoverFolder, removeFolderAtomic } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import type { StepMetrics } from '../trainer/metrics.js';
import type { RunTrainer } from '../trainer/run-trainer.js';
import { type RunRecord, writeTrainerCheckpoint } from './checkpoint.js';
import type { TrainConfig } from './train-config.js';
import { readTrainerState, type TrainerState, verifyTrainerCheckpoint } from './trainer-state.js';

/** Names in the output folder of a run. */
export const runFiles = {
  config: 'train.json',
  metrics: 'metrics.jsonl',
  start: 'starts-from.json',
  checkpoints: 'checkpoints',
  last: 'last',
  best: 'best',
} as const;

/** Names of the files that `dpar train` adds: a record, a page, and a folder of images. */
export const watchFiles = { record: 'run.json', report: 'report.html', samples: 'samples' } as const;

/** Folder of the checkpoint after a step: `checkpoints/step-000500`. */
export function stepFolder(output: string, step: number): string {
  checkArguments('stepFolder', { output, step }, { output: 'string', step: 'number' });

  return join(output, runFiles.checkpoints, `step-${String(step).padStart(6, '0')}`);
}

/** A checkpoint with intact files. */
export interface WholeCheckpoint {
  readonly folder: string;
  readonly state: TrainerState;
}

/** Result of {@link findCheckpoint}. */
export interface FoundCheckpoint {
  /** The newest intact checkpoint. */
  readonly whole: WholeCheckpoint | undefined;
  /** Faults of newer checkpoints, a sentence each. */
  readonly damaged: readonly string[];
}

/** Finds the newest intact checkpoint of a run: in `checkpoints/`, or else in `last/` and `best/`. */
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

/** Steps of the checkpoints in `checkpoints/`, intact or not, ascending. */
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

/** Files of a run in a folder, by the names of {@link runFiles}. */
export async function runFilesIn(output: string): Promise<string[]> {
  const names = await entriesOf(output);
  return Object.values(runFiles).filter((name) => names.includes(name));
}

/**
 * Opens the output folder of a run: removes partial files of a killed run, and finds the checkpoint to resume from.
 * @param resume Permits a folder that holds a run.
 * @param onNote Called if there is nothing to resume, and for each newer damaged checkpoint.
 * @returns The newest intact checkpoint; `undefined` if the run starts from the beginning.
 * @throws DparError if the folder holds a run and `resume` is not set, or if all of its checkpoints are damaged.
 */
export async function openRunFolder(
  output: string,
  resume: boolean,
  onNote: (text: string) => void = () => {},
): Promise<WholeCheckpoint | undefined> {
  const present = await runFilesIn(output);
  if (!resume && present.length > 0) {
    throw new DparError(
      `train: expected an output folder without a run, got ${present.join(', ')} in '${output}'. ` +
        'Pass --resume to resume that run, or choose another output.',
    );
  }
  await recoverFolder(output, [...Object.values(runFiles), ...Object.values(watchFiles)]);
  await recoverFolder(join(output, watchFiles.samples));
  await recoverFolder(join(output, runFiles.checkpoints));
  if (!resume) return undefined;
  const { whole, damaged } = await findCheckpoint(output);
  if (whole === undefined && damaged.length > 0) {
    throw new DparError(
      `train: expected an intact checkpoint in '${output}', got only damaged ones. ${damaged.join(' ')} ` +
        'Restore one from a copy, or choose another output to start from the beginning.',
    );
  }
  for (const text of damaged) onNote(`WARNING: ${text}`);
  if (whole === undefined) onNote(`nothing to resume in '${output}': starts from the beginning`);
  return whole;
}

/**
 * Checkpoints of a run: `checkpoints/step-000500/` for the newest ones, and `last/` and `best/` for the newest one and the
 * one with the lowest validation loss. The latter are folders of hard links, which take no additional space, or copies if
 * the file system has no hard links. Unlike symbolic links they work on Windows, and `best/` stays when the folder in
 * `checkpoints/` is removed.
 */
export class RunCheckpoints {
  private lowest = Number.POSITIVE_INFINITY;
  private newest = 0;

  constructor(
    private readonly output: string,
    private readonly settings: TrainConfig['checkpoints'],
    private readonly record: RunRecord,
  ) {}

  /** Step of the newest checkpoint, or 0. */
  get step(): number {
    return this.newest;
  }

  /** Continues an earlier run from its checkpoint, and finishes what was interrupted. */
  async continueFrom({ folder, state }: WholeCheckpoint): Promise<void> {
    this.lowest = await verifyTrainerCheckpoint(join(this.output, runFiles.best)).then(
      ({ validation_loss: loss }) => loss ?? Number.POSITIVE_INFINITY,
      () => Number.POSITIVE_INFINITY, // missing or damaged
    );
    const place = stepFolder(this.output, state.step);
    if (folder !== place) await linkFolder(folder, place);
    await this.publish(state.step, state.validation_loss ?? undefined);
  }

  /** True if a checkpoint is due after a step. */
  isDue({ step, validationLoss }: StepMetrics): boolean {
    const { every } = this.settings;
    return (every !== null && step % every === 0) || this.isBest(validationLoss);
  }

  /** Writes a checkpoint of the trainer. @returns Its folder. */
  async write(trainer: RunTrainer, validationLoss: number | undefined): Promise<string> {
    const folder = stepFolder(this.output, trainer.step);
    await writeTrainerCheckpoint(folder, trainer, { ...this.record, validationLoss });
    await this.publish(trainer.step, validationLoss);
    return folder;
  }

  private isBest(validationLoss: number | undefined): boolean {
    return this.settings.best && validationLoss !== undefined && validationLoss < this.lowest;
  }

  /** Updates `last/` and `best/` to a checkpoint and removes old ones. Repeating it changes nothing. */
  private async publish(step: number, validationLoss: number | undefined): Promise<void> {
    const folder = stepFolder(this.output, step);
    await linkFolder(folder, join(this.output, runFiles.last));
    if (this.isBest(validationLoss)) {
      await linkFolder(folder, join(this.output, runFiles.best));
      this.lowest = validationLoss ?? this.lowest;
    }
    this.newest = step;
    // Damaged checkpoints of later steps stay until the run reaches these steps again.
    const steps = (await stepsIn(this.output)).filter((other) => other <= step);
    for (const old of steps.slice(0, -this.settings.keep)) await removeFolderAtomic(stepFolder(this.output, old));
  }
}
