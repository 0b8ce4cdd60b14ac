import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath, randomImages, writePngs } from '@dpar/fixtures';
import { expect, it, onTestFinished } from 'vitest';
import { blockMeansNetwork } from '../testing/block-means.js';
import { tokenizerFolder } from '../testing/sampling.js';
import { hasSlurm, startSlurm, until } from '../testing/slurm.js';
import { tinyDpar } from '../testing/tiny-dpar.js';

const cluster = fileURLToPath(new URL('../../cluster', import.meta.url));
const bin = fileURLToPath(new URL('../../bin/dpar.js', import.meta.url));
const [shards, pictures, samples] = [4, 20, 40];

/** Options of dpar for each stage of the pipeline, in order: parts are small, so that every task has several. */
const stages: Readonly<Record<string, readonly string[]>> = {
  tokenize: ['--part-size', '1'],
  entropy: [],
  train: [],
  sample: ['--batch-size', '1'],
  features: ['--range', 'unit', '--part-size', '10', '--batch-size', '2'],
  merge: [],
};

/** A checkpoint follows each step. */
const training = {
  model: tinyDpar,
  data: { tokens: 'set by the pipeline' },
  steps: 8,
  batch_size: 4,
  dropout: { token: 0.1 },
  checkpoints: { every: 1 },
  output: 'set by the pipeline',
};

/** Environment of a job: settings of the pipeline, and a `dpar` that records its process. */
async function jobEnvironment(folder: string): Promise<NodeJS.ProcessEnv> {
  const processes = join(folder, 'processes');
  await mkdir(processes);
  const dpar =
    `#!/bin/sh\necho $$ > "${processes}/$1-\${SLURM_ARRAY_TASK_ID:-alone}"\n` +
    `exec '${process.execPath}' '${bin}' "$@"\n`;
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin', 'dpar'), dpar);
  await chmod(join(folder, 'bin', 'dpar'), 0o755);
  await writeFile(join(folder, 'means.onnx'), blockMeansNetwork());
  await writeFile(join(folder, 'train.json'), JSON.stringify(training));
  await writePngs(join(folder, 'images'), randomImages(pictures, 1, 16, 16), (i) => `class-${i % 5}/${i}.png`);
  const outside = Object.entries(process.env).filter(([name]) => !/^(SLURM|SBATCH)_/.test(name));
  return {
    ...Object.fromEntries(outside),
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    CLUSTER: cluster,
    IMAGES: join(folder, 'images'),
    CROP: 'center',
    SIZE: '16',
    ENTROPY_CHECKPOINT: fixturePath('entropy-model'),
    CONFIG: join(folder, 'train.json'),
    TOKENIZER: await tokenizerFolder(),
    FEATURES: join(folder, 'means.onnx'),
    CLASSES: '0-4',
    COUNT: `${samples}`,
    GUIDANCE_SCALE: '1.5',
    SEED: '3',
  };
}

if (!hasSlurm)
  console.warn('SKIPPED: Slurm and munge are not installed; the array script runs without a scheduler alone.');
it.skipIf(!hasSlurm)(
  'a pipeline whose tasks are killed, requeued, cancelled and out of time ends with the bytes of one process',
  { timeout: 900_000 },
  async () => {
    const folder = await temporaryFolder();
    const environment = await jobEnvironment(folder);
    const [one, many] = [join(folder, 'one'), join(folder, 'many')];
    await mkdir(many);
    for (const [stage, options] of Object.entries(stages)) {
      const env = { ...environment, WORK: one, SLURM_CPUS_PER_TASK: '1' };
      await promisify(execFile)('bash', [join(cluster, 'pipeline.sh'), stage, ...options], { env });
    }

    const slurm = await startSlurm({ ...environment, WORK: many });
    /** Submits a stage after another job. @returns Its number. */
    const submit = (stage: string, after?: string, tasks = `0-${shards - 1}`, ...options: readonly string[]): string =>
      slurm.run(
        'sbatch',
        ...['--parsable', '--chdir', many, '--cpus-per-task', '1', '--job-name', stage, '--array', tasks],
        ...(after === undefined ? [] : [`--dependency=afterok:${after}`]),
        ...options,
        join(cluster, 'dpar.slurm'),
        stage,
        ...(stages[stage] ?? []),
      );
    const stateOf = (job: string, task: number) => slurm.tasks(job).get(task)?.state;
    const restartsOf = (job: string, task: number) => Number(slurm.tasks(job).get(task)?.restarts);
    const listed = (name: string): Promise<string[]> => readdir(join(many, name)).catch(() => []);

    const stopped = new Set<number>();
    onTestFinished(() => {
      for (const pid of stopped) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    });
    /** Stops the process of a task as soon as something is there. @returns Its number. */
    const stopWhen = async (stage: string, task: number, holds: () => Promise<boolean>): Promise<number> => {
      await until(holds, `work of task ${task} of ${stage}`);
      const pid = Number(await readFile(join(folder, 'processes', `${stage}-${task}`), 'utf8'));
      process.kill(pid, 'SIGSTOP');
      stopped.add(pid);
      return pid;
    };
    const proceed = (pid: number): void => {
      stopped.delete(pid);
      process.kill(pid, 'SIGCONT');
    };

    // One task of the tokens is requeued. What depends on it waits for its second run.
    const tokens = submit('tokenize');
    const entropies = submit('entropy', tokens);
    // Slurm looks at time limits every 30 seconds: this signal comes 40 to 70 seconds after the start.
    const train = submit('train', entropies, '0', '--time', '2', '--signal', 'B:USR1@50');
    const begun = async () => (await listed('../processes')).includes('tokenize-2');
    const retried = await stopWhen('tokenize', 2, begun);
    slurm.run('scontrol', 'requeue', `${tokens}_2`);
    proceed(retried);

    // The training is stopped after a step, until its time is nearly over.
    const late = await stopWhen('train', 0, async () =>
      (await listed('model/checkpoints')).some((name) => name.startsWith('step-')),
    );
    await until(async () => (await pendingSignals(late)).has(15), 'the time limit');
    proceed(late);
    await until(() => stateOf(train, 0) === 'COMPLETED', 'the end of the training');
    expect(restartsOf(tokens, 2)).toBe(1);
    expect(restartsOf(train, 0)).toBe(1);
    const log = await readFile(join(many, `train-${train}-0.log`), 'utf8');
    expect(log).toMatch(/requeueing \d+_0, which resumes/);
    expect(log).toMatch(/Step \d of 8 is in/);

    // Tasks of the samples are killed, requeued and cancelled at work.
    const first = submit('sample');
    const dependent = submit('features', first);
    const [killed, requeued, cancelled] = await Promise.all(
      [0, 1, 2].map((task) => {
        const isOurs = (name: string) => Math.floor((Number.parseInt(name, 10) * shards) / samples) === task;
        return stopWhen('sample', task, async () => (await listed('samples')).some(isOurs));
      }),
    );
    stopped.delete(killed as number);
    process.kill(killed as number, 'SIGKILL');
    slurm.run('scontrol', 'requeue', `${first}_1`);
    proceed(requeued as number);
    slurm.run('scancel', `${first}_2`);
    proceed(cancelled as number);
    const ends = ['FAILED', 'COMPLETED', 'CANCELLED', 'COMPLETED'];
    await until(() => ends.every((state, task) => stateOf(first, task) === state), 'the ends of all tasks');
    expect([0, 1, 2, 3].map((task) => restartsOf(first, task))).toEqual([0, 1, 0, 0]);
    // Jobs that wait for what has failed do not wait for ever.
    await until(() => slurm.run('squeue', '--noheader') === '', 'no jobs');
    expect([...slurm.tasks(dependent).values()].map(({ state }) => state)).toEqual(['CANCELLED']);
    expect(await readFile(join(many, `sample-${first}-1.log`), 'utf8')).toMatch(
      /sample: 10 images \(\d+ already finished\), dpar model, .*\(cpu, 1 thread\)/,
    );

    // The tasks that did not end well are run again.
    const again = submit('sample', undefined, '0,2', `--export=ALL,SHARDS=${shards}`);
    const features = submit('features', again);
    const merge = submit('merge', features, '0');
    await until(() => slurm.run('squeue', '--noheader') === '', 'the end of all jobs');
    expect(stateOf(merge, 0)).toBe('COMPLETED');
    for (const name of await resultsOf(one)) {
      expect((await readFile(join(many, name))).equals(await readFile(join(one, name))), name).toBe(true);
    }
  },
);

/** Results of a pipeline: tokens, entropies, weights, samples and features. */
async function resultsOf(work: string): Promise<string[]> {
  const shared = ['tokens', 'entropies'].map(async (name) =>
    (await readdir(join(work, name))).filter((file) => file.endsWith('.safetensors')).map((file) => join(name, file)),
  );
  const files = (await Promise.all(shared)).flat();
  expect(files.length).toBeGreaterThan(2);
  return [...files, 'model/last/model.safetensors', 'samples.npz', 'features.npz'];
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Signals that a process has been sent and not taken, by what the kernel says of it. */
async function pendingSignals(pid: number): Promise<Set<number>> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const masks = ['SigPnd', 'ShdPnd'].map((name) =>
    BigInt(`0x${new RegExp(`${name}:\\s*(\\w+)`).exec(status)?.[1] ?? 0}`),
  );
  return new Set(
    Array.from({ length: 64 }, (_, i) => i + 1).filter((n) => masks.some((mask) => (mask >> BigInt(n - 1)) & 1n)),
  );
}
