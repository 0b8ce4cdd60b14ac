import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { expect, it, onTestFinished } from 'vitest';
import { blockMeansNetwork } from '../testing/block-means.js';
import { tokenizerFolder } from '../testing/sampling.js';
import { hasSlurm, startSlurm, until } from '../testing/slurm.js';

const cluster = fileURLToPath(new URL('../../cluster', import.meta.url));
const bin = fileURLToPath(new URL('../../bin/dpar.js', import.meta.url));
const [shards, images] = [4, 80];
const sampleOptions = ['sample', '--batch-size', '1'];
const featureOptions = ['features', '--range', 'unit', '--part-size', '10', '--batch-size', '2'];

/** Environment of a job: settings of the pipeline, and a `dpar` that records its process. */
async function jobEnvironment(folder: string): Promise<NodeJS.ProcessEnv> {
  const processes = join(folder, 'processes');
  await mkdir(processes);
  const dpar = `#!/bin/sh\necho $$ > "${processes}/\${SLURM_ARRAY_TASK_ID:-alone}"\nexec '${process.execPath}' '${bin}' "$@"\n`;
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin', 'dpar'), dpar);
  await chmod(join(folder, 'bin', 'dpar'), 0o755);
  await writeFile(join(folder, 'means.onnx'), blockMeansNetwork());
  const outside = Object.entries(process.env).filter(([name]) => !/^(SLURM|SBATCH)_/.test(name));
  return {
    ...Object.fromEntries(outside),
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    CLUSTER: cluster,
    CHECKPOINT: fixturePath('dpar-dynamic4d'),
    ENTROPY_CHECKPOINT: fixturePath('entropy-model'),
    TOKENIZER: await tokenizerFolder(),
    FEATURES: join(folder, 'means.onnx'),
    CLASSES: '0-4',
    COUNT: `${images}`,
    GUIDANCE_SCALE: '1.5',
    SEED: '3',
  };
}

if (!hasSlurm)
  console.warn('SKIPPED: Slurm and munge are not installed; the array script runs without a scheduler alone.');
it.skipIf(!hasSlurm)(
  'an array whose tasks are killed, requeued, cancelled and out of time ends with the bytes of one process',
  { timeout: 400_000 },
  async () => {
    const folder = await temporaryFolder();
    const environment = await jobEnvironment(folder);
    const [one, many] = [join(folder, 'one'), join(folder, 'many')];
    await mkdir(many);
    const slurm = await startSlurm({ ...environment, WORK: many });
    const submit = (options: readonly string[], stage: readonly string[], tasks = '0-3'): string => {
      const settings = ['--parsable', '--chdir', many, '--cpus-per-task', '1', '--array', tasks];
      return slurm.run('sbatch', ...settings, ...options, join(cluster, 'dpar.slurm'), ...stage);
    };
    const stateOf = (job: string, task: number) => slurm.tasks(job).get(task)?.state;
    const processOf = async (task: number) => Number(await readFile(join(folder, 'processes', `${task}`), 'utf8'));
    const stopped = new Set<number>();
    const proceed = (pid: number): void => {
      if (stopped.delete(pid)) process.kill(pid, 'SIGCONT');
    };
    onTestFinished(() => {
      for (const pid of stopped) process.kill(pid, 'SIGKILL');
    });

    // Each task is stopped when it has made an image. The signal of the time limit comes some seconds later.
    const samples = submit(['--time', '2', '--signal', 'B:USR1@80'], sampleOptions);
    const dependent = submit([`--dependency=afterok:${samples}`], featureOptions);
    const waiting = new Set(Array.from({ length: shards }, (_, task) => task));
    await until(async () => {
      const made = await readdir(join(many, 'samples')).catch(() => []);
      for (const task of waiting) {
        const isOurs = (name: string) => Math.floor((Number.parseInt(name, 10) * shards) / images) === task;
        if (!made.some(isOurs)) continue;
        const pid = await processOf(task);
        process.kill(pid, 'SIGSTOP');
        stopped.add(pid);
        waiting.delete(task);
      }
      return waiting.size === 0;
    }, 'an image of each task');
    const [killed = 0, requeued = 0, cancelled = 0, late = 0] = await Promise.all([0, 1, 2, 3].map(processOf));
    stopped.delete(killed);
    process.kill(killed, 'SIGKILL');
    slurm.run('scontrol', 'requeue', `${samples}_1`);
    proceed(requeued);
    slurm.run('scancel', `${samples}_2`);
    proceed(cancelled);
    // Meanwhile, what one process makes.
    for (const stage of [sampleOptions, featureOptions, ['merge']]) {
      await promisify(execFile)('bash', [join(cluster, 'pipeline.sh'), ...stage], {
        env: { ...environment, WORK: one },
      });
    }
    await until(async () => pendingSignals(await readFile(`/proc/${late}/status`, 'utf8')).has(15), 'the time limit');
    proceed(late);

    const ended = new Map([0, 1, 2, 3].map((task) => [task, ['FAILED', 'COMPLETED', 'CANCELLED', 'COMPLETED'][task]]));
    await until(() => [...ended].every(([task, state]) => stateOf(samples, task) === state), 'the ends of all tasks');
    const restarts = [0, 1, 2, 3].map((task) => slurm.tasks(samples).get(task)?.restarts);
    expect([restarts[0], restarts[2]]).toEqual([0, 0]);
    expect(Math.min(...[restarts[1], restarts[3]].map(Number))).toBeGreaterThanOrEqual(1);
    // Jobs that wait for what has failed do not wait for ever.
    await until(() => slurm.run('squeue', '--noheader') === '', 'no jobs');
    expect([...slurm.tasks(dependent).values()].map(({ state }) => state)).toEqual(['CANCELLED']);
    const log = await readFile(join(many, `dpar-${samples}-3.log`), 'utf8');
    expect(log.match(/shard 3\/4, from SLURM_ARRAY_TASK_ID=3/g)?.length).toBe(1 + Number(restarts[3]));
    expect(log).toMatch(/requeueing \d+_3, which resumes/);
    expect(log).toMatch(/sample: 20 images \(\d+ already finished\), dpar model, .*\(cpu, 1 thread\)/);

    // The tasks that did not end well are run again.
    const again = submit([`--export=ALL,SHARDS=${shards}`], sampleOptions, '0,2');
    const features = submit([`--dependency=afterok:${again}`], featureOptions);
    const merge = submit([`--dependency=afterok:${features}`], ['merge'], '0');
    await until(() => slurm.run('squeue', '--noheader') === '', 'the end of all jobs');
    expect(stateOf(merge, 0)).toBe('COMPLETED');
    for (const name of ['samples.npz', 'features.npz']) {
      expect((await readFile(join(many, name))).equals(await readFile(join(one, name)))).toBe(true);
    }
  },
);

/** Signals that a process has been sent and not taken, by what the kernel says of it. */
function pendingSignals(status: string): Set<number> {
  const masks = ['SigPnd', 'ShdPnd'].map((name) =>
    BigInt(`0x${new RegExp(`${name}:\\s*(\\w+)`).exec(status)?.[1] ?? 0}`),
  );
  return new Set(
    Array.from({ length: 64 }, (_, i) => i + 1).filter((n) => masks.some((mask) => (mask >> BigInt(n - 1)) & 1n)),
  );
}
