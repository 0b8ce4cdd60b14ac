import { afterEach, describe, expect, it, vi } from 'vitest';
import { shareOfEnvironment, takeShare } from './share.js';

afterEach(() => vi.unstubAllEnvs());

/** Variables that Slurm sets for a task of an array. */
const slurm = (id: number, count: number, min: number, max: number, step?: number) => ({
  SLURM_ARRAY_TASK_ID: `${id}`,
  SLURM_ARRAY_TASK_COUNT: `${count}`,
  SLURM_ARRAY_TASK_MIN: `${min}`,
  SLURM_ARRAY_TASK_MAX: `${max}`,
  ...(step !== undefined && { SLURM_ARRAY_TASK_STEP: `${step}` }),
});

describe('the share of a task', () => {
  it.each([
    ['--array=0-7', slurm(3, 8, 0, 7, 1), [3, 8]],
    ['--array=1-8', slurm(8, 8, 1, 8), [7, 8]],
    ['--array=0-14:2', slurm(6, 8, 0, 14, 2), [3, 8]],
    ['--array=5-29:8', slurm(29, 4, 5, 29, 8), [3, 4]],
    ['--array=0', slurm(0, 1, 0, 0, 1), [0, 1]],
    ['an indexed Job', { JOB_COMPLETION_INDEX: '4', JOB_COMPLETIONS: '5' }, [4, 5]],
  ])('of %s', (_, environment, [index, count]) => {
    expect(shareOfEnvironment(environment)?.shard).toEqual({ index, count });
  });

  it('is none elsewhere', () => {
    expect(shareOfEnvironment({ SLURM_JOB_ID: '7', JOB_COMPLETIONS: '5' })).toBeUndefined();
  });

  it.each([
    ['single numbers', slurm(5, 3, 1, 7, 1), 'expected a Slurm array of tasks at equal steps'],
    ['numbers that a step does not reach', slurm(2, 3, 0, 6), 'expected a Slurm array of tasks at equal steps'],
    ['a task outside', slurm(9, 4, 0, 3), 'expected a Slurm array of tasks at equal steps'],
    ['one task that is run again', slurm(3, 1, 3, 3, 1), 'the number of shares is unknown'],
    ['an old Slurm', { SLURM_ARRAY_TASK_ID: '1' }, 'expected SLURM_ARRAY_TASK_MIN as a whole number, got none'],
    ['a Job that does not tell', { JOB_COMPLETION_INDEX: '4' }, "Set it in the Job's template to spec.completions"],
    ['a Job that tells less', { JOB_COMPLETION_INDEX: '4', JOB_COMPLETIONS: '4' }, 'got 4 of 4'],
    ['no number', { JOB_COMPLETION_INDEX: 'x', JOB_COMPLETIONS: '4' }, "got 'x'"],
    ['both', { ...slurm(0, 1, 0, 0), JOB_COMPLETION_INDEX: '0' }, 'got both'],
  ])('is refused for %s', (_, environment, message) => {
    expect(() => shareOfEnvironment(environment)).toThrow(message);
    expect(() => shareOfEnvironment(environment)).toThrow('Pass --shard I/N, or --shard 0/1 for all of the work.');
  });

  it('is told, and --shard wins over the environment', () => {
    vi.stubEnv('JOB_COMPLETION_INDEX', '2');
    vi.stubEnv('JOB_COMPLETIONS', '3');
    const note = vi.fn();
    expect(takeShare(undefined, { note })).toEqual({ index: 2, count: 3 });
    expect(note).toHaveBeenCalledExactlyOnceWith('shard 2/3, from JOB_COMPLETION_INDEX and JOB_COMPLETIONS');
    expect(takeShare({ index: 0, count: 9 }, { note })).toEqual({ index: 0, count: 9 });
    expect(note).toHaveBeenCalledTimes(1);
  });
});
