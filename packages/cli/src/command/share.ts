import type { Context } from './command.js';
import { UsageError } from './errors.js';
import type { Shard } from './options.js';

/** Environment variables of a task. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A share of the work and its source. */
export interface FoundShare {
  readonly shard: Shard;
  readonly source: string;
}

const remedy = 'Pass --shard I/N, or --shard 0/1 for all of the work.';

/**
 * Finds the share of a task in a Slurm array or of a pod in a Kubernetes indexed Job; undefined outside of both.
 *
 * Slurm: tasks `min`, `min + step`, ... are shares 0, 1, ... of `SLURM_ARRAY_TASK_COUNT`. Kubernetes: `JOB_COMPLETION_INDEX` of
 * `JOB_COMPLETIONS`. Kubernetes sets only the index: the Job's template must set the other to `spec.completions`.
 * @throws UsageError if the variables do not determine a share: an array with unequal steps, one task of a larger array that
 * is run again, a missing number of completions, or variables of both schedulers.
 */
export function shareOfEnvironment(environment: Environment): FoundShare | undefined {
  const slurm = environment.SLURM_ARRAY_TASK_ID;
  const pod = environment.JOB_COMPLETION_INDEX;
  if (slurm !== undefined && pod !== undefined) {
    throw new UsageError(`expected SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX, got both. ${remedy}`);
  }
  if (slurm !== undefined) return slurmShare(environment);
  return pod === undefined ? undefined : jobShare(environment);
}

/** Returns the given share, else the share of the environment, which it names in a note. */
export function takeShare(given: Shard | undefined, context: Pick<Context, 'note'>): Shard | undefined {
  if (given !== undefined) return given;
  const found = shareOfEnvironment(process.env);
  if (found === undefined) return undefined;
  const { shard, source } = found;
  context.note(`shard ${shard.index}/${shard.count}, from ${source}`);
  return shard;
}

function slurmShare(environment: Environment): FoundShare {
  const [id, min, max, count] = ['ID', 'MIN', 'MAX', 'COUNT'].map((name) =>
    numberIn(environment, `SLURM_ARRAY_TASK_${name}`),
  ) as [number, number, number, number];
  const step = (max - min) / Math.max(1, count - 1);
  const index = count === 1 ? 0 : (id - min) / step;
  const source = `SLURM_ARRAY_TASK_ID=${id} of ${count} tasks from ${min} to ${max}`;
  if (count === 1 && min > 0) {
    throw new UsageError(
      `expected all tasks of a Slurm array, got only task ${id} (${source}), so the number of shares is unknown. ${remedy}`,
    );
  }
  const even = count >= 1 && Number.isInteger(step) && Number.isInteger(index) && index >= 0 && index < count;
  const declared = environment.SLURM_ARRAY_TASK_STEP;
  if (!even || (count > 1 && step < 1) || (count > 1 && declared !== undefined && Number(declared) !== step)) {
    throw new UsageError(
      `expected a Slurm array of tasks at equal steps, such as --array=0-7 or 0-14:2, got ${source}. ${remedy}`,
    );
  }
  return { shard: { index, count }, source };
}

function jobShare(environment: Environment): FoundShare {
  const [index, count] = ['JOB_COMPLETION_INDEX', 'JOB_COMPLETIONS'].map((name) => numberIn(environment, name)) as [
    number,
    number,
  ];
  if (index < count) return { shard: { index, count }, source: 'JOB_COMPLETION_INDEX and JOB_COMPLETIONS' };
  throw new UsageError(`expected JOB_COMPLETION_INDEX below JOB_COMPLETIONS, got ${index} of ${count}. ${remedy}`);
}

function numberIn(environment: Environment, name: string): number {
  const text = environment[name];
  if (text !== undefined && /^\d{1,9}$/.test(text)) return Number(text);
  const where = name === 'JOB_COMPLETIONS' ? "Set it in the Job's template to spec.completions. " : '';
  throw new UsageError(
    `expected ${name} as a whole number, got ${text === undefined ? 'none' : `'${text}'`}. ${where}${remedy}`,
  );
}
