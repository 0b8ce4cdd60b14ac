import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { validate as validateDockerfile } from 'dockerfile-utils';
import { Job } from 'kubernetes-models/batch/v1';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { globals } from './command/options.js';
import { createProgram } from './command/program.js';
import { commands } from './commands/index.js';
import { version } from './machine.js';

const pathOf = (name: string): string => fileURLToPath(new URL(`../cluster/${name}`, import.meta.url));
const scripts = ['pipeline.sh', 'dpar.slurm'].map(pathOf);

describe('the scripts', () => {
  it('are valid', () => {
    for (const script of scripts) expect(spawnSync('bash', ['-n', script], { encoding: 'utf8' }).stderr).toBe('');
  });

  const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;
  if (!hasShellcheck) console.warn('SKIPPED: shellcheck is not installed; the scripts are checked by bash -n alone.');
  it.skipIf(!hasShellcheck)('are clean to shellcheck', () => {
    expect(spawnSync('shellcheck', scripts, { encoding: 'utf8' }).stdout).toBe('');
  });

  /** Runs a stage with a `dpar` that writes down its arguments. @returns These, of each time that it was called. */
  async function calls(script: string, stage: readonly string[], environment: Record<string, string> = {}) {
    const folder = await temporaryFolder();
    const log = join(folder, 'calls');
    await writeFile(join(folder, 'dpar'), `#!/bin/sh\nprintf '%s\\n' "$@" '' >> '${log}'\n`);
    await chmod(join(folder, 'dpar'), 0o755);
    const env = {
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      WORK: folder,
      CLUSTER: pathOf(''),
      TOKENIZER: 'vq',
      IMAGES: 'a b',
      ENTROPY_CHECKPOINT: 'e',
      CHECKPOINT: 'c',
      CONFIG: 'train.json',
      FEATURES: 'f.pth',
      ...environment,
    };
    const { status, stderr } = spawnSync('bash', [script, ...stage], { encoding: 'utf8', env });
    const text = await readFile(log, 'utf8').catch(() => '');
    const lines = text.split('\n\n').filter((call) => call !== '');
    return { status, stderr, calls: lines.map((call) => call.split('\n')), folder };
  }

  it.each(['tokenize', 'entropy', 'sample', 'features'])('call dpar %s as it is', async (stage) => {
    const more = ['--threads', '3', '--shard', '0/9'];
    const run = await calls(pathOf('dpar.slurm'), [stage, ...more], { SLURM_ARRAY_TASK_ID: '3', SHARDS: '8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
    expect(run.calls).toHaveLength(1);
    const [argv = []] = run.calls;
    expect(argv.slice(-6)).toEqual(['--shard', '3/8', ...more]);
    let parsed: unknown;
    const program = createProgram(commands, { version, globals, print: () => {} }, async ({ name }, values) => {
      parsed = [name, values.threads, values.shard];
    });
    await program.parseAsync(argv, { from: 'user' });
    // What is written after the stage wins over the environment.
    expect(parsed).toEqual([stage, 3, { index: 0, count: 9 }]);
    const others = await calls(pathOf('pipeline.sh'), [stage]);
    expect(others.calls[0]).toEqual(argv.slice(0, -6).map((word) => word.replace(run.folder, others.folder)));
  });

  it('train once, on the tokens and entropies that are there', async () => {
    for (const task of [{ JOB_COMPLETION_INDEX: '1' }, { SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_MIN: '4' }]) {
      expect(await calls(pathOf('pipeline.sh'), ['train'], task)).toMatchObject({ status: 0, calls: [] });
    }
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'entropies'));
    const set = ['--set', 'steps=3'];
    const run = await calls(pathOf('pipeline.sh'), ['train', ...set], { WORK: folder, SHARD: '0/1' });
    const [tokens, entropies] = ['tokens', 'entropies'].map((name) => ['--set', `data.${name}=${join(folder, name)}`]);
    const options = ['--config', 'train.json', '--output', join(folder, 'model'), '--resume', ...(tokens ?? [])];
    expect(run.calls).toEqual([['train', ...options, ...(entropies ?? []), ...set]]);
    // The model that it makes is sampled.
    const {
      calls: [sampled],
    } = await calls(pathOf('pipeline.sh'), ['sample'], { WORK: folder, CHECKPOINT: '' });
    expect(sampled?.slice(0, 3)).toEqual(['sample', '--checkpoint', join(folder, 'model', 'last')]);
  });

  it('merge once, what is there', async () => {
    expect((await calls(pathOf('pipeline.sh'), ['merge'], { JOB_COMPLETION_INDEX: '1' })).calls).toEqual([]);
    const { status, calls: none } = await calls(pathOf('pipeline.sh'), ['merge'], { JOB_COMPLETION_INDEX: '0' });
    expect([status, none]).toEqual([0, []]);
    expect((await calls(pathOf('pipeline.sh'), ['nothing'])).status).toBe(2);
    const folder = await temporaryFolder();
    for (const part of ['tokens', 'samples']) await mkdir(join(folder, part));
    const two = await calls(pathOf('pipeline.sh'), ['merge', '--threads', '2'], { WORK: folder, SHARD: '0/2' });
    const expected = ['tokens', 'samples'].map((part, i) => {
      const output = `${join(folder, part)}${['', '.npz'][i]}`;
      return ['merge', '--input', join(folder, part), '--output', output, '--threads', '2'];
    });
    expect([two.status, two.calls]).toEqual([0, expected]);
  });

  /** Starts a script whose `dpar` notes TERM and ends with `status`, and sends it a signal. @returns How both end. */
  async function interrupted(script: string, stage: string, signals: readonly NodeJS.Signals[], status: number) {
    const folder = await temporaryFolder();
    const program = (name: string, lines: string) =>
      writeFile(join(folder, name), `#!/bin/bash\n${lines}\n`, { mode: 0o755 });
    const ends = `trap 'echo TERM >> "${folder}/log"; exit ${status}' TERM`;
    await program('dpar', `${ends}\ntouch "${folder}/started"\nfor i in {1..600}; do sleep 0.05; done`);
    await program('scontrol', `echo "$@" >> "${folder}/log"`);
    await mkdir(join(folder, 'tokens'));
    const task = { SLURM_ARRAY_JOB_ID: '17', SLURM_ARRAY_TASK_ID: '0', SLURM_JOB_ID: '18' };
    const models = { TOKENIZER: 'vq', IMAGES: 'a', ENTROPY_CHECKPOINT: 'e', CHECKPOINT: 'c', FEATURES: 'f' };
    const env = {
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      WORK: folder,
      CLUSTER: pathOf(''),
      ...models,
      ...task,
    };
    const child = spawn('bash', [script, stage], { env, stdio: 'ignore' });
    const end = new Promise((resolve) => child.on('close', resolve));
    while (!existsSync(join(folder, 'started')) && child.exitCode === null) await setTimeout(5);
    for (const signal of signals) child.kill(signal);
    return { status: await end, log: await readFile(join(folder, 'log'), 'utf8').catch(() => '') };
  }

  it.skipIf(process.platform === 'win32')(
    'stop dpar on TERM, and queue a task again only at its time limit',
    async () => {
      const [slurm, pipeline] = [pathOf('dpar.slurm'), pathOf('pipeline.sh')];
      expect(await interrupted(slurm, 'sample', ['SIGTERM'], 130)).toEqual({ status: 130, log: 'TERM\n' });
      expect(await interrupted(slurm, 'sample', ['SIGUSR1'], 130)).toEqual({
        status: 130,
        log: 'TERM\nrequeue 17_0\n',
      });
      // What ends well, or fails, while it is told to stop, is not run again.
      expect(await interrupted(slurm, 'sample', ['SIGUSR1'], 0)).toEqual({ status: 0, log: 'TERM\n' });
      expect(await interrupted(slurm, 'sample', ['SIGUSR1'], 1)).toEqual({ status: 1, log: 'TERM\n' });
      expect(await interrupted(pipeline, 'sample', ['SIGTERM'], 130)).toEqual({ status: 130, log: 'TERM\n' });
      expect(await interrupted(pipeline, 'merge', ['SIGTERM'], 130)).toEqual({ status: 143, log: 'TERM\n' });
    },
  );

  it('ask Slurm for what requeueing and cancelling need', async () => {
    const text = await readFile(pathOf('dpar.slurm'), 'utf8');
    const settings = Array.from(text.matchAll(/^#SBATCH (\S+)$/gm), ([, setting]) => setting);
    expect(settings).toEqual(
      expect.arrayContaining(['--requeue', '--open-mode=append', '--kill-on-invalid-dep=yes', '--output=%x-%A-%a.log']),
    );
    expect(settings.find((setting) => setting?.startsWith('--signal'))).toMatch(/=B:USR1@\d+$/);
  });
});

describe('the Kubernetes Job', async () => {
  const job = parse(await readFile(pathOf('job.yaml'), 'utf8'));

  it('is one by the schemas of Kubernetes', () => {
    expect(() => new Job(job).validate()).not.toThrow();
    const wrong = structuredClone(job);
    wrong.spec.completions = 'eight';
    expect(() => new Job(wrong).validate()).toThrow();
    const misspelt = structuredClone(job);
    misspelt.spec.template.spec.containers[0].volumeMounts[0].mountPat = '/data';
    delete misspelt.spec.template.spec.containers[0].volumeMounts[0].mountPath;
    expect(() => new Job(misspelt).validate()).toThrow();
  });

  it('tells dpar the number of its pods', () => {
    const { completionMode, completions, template } = job.spec;
    const [{ env, args }] = template.spec.containers;
    expect(completionMode).toBe('Indexed');
    expect(env).toContainEqual({ name: 'JOB_COMPLETIONS', value: String(completions) });
    expect(args).toEqual(['tokenize']);
  });

  it('limits the processors that dpar takes for its own, and counts no moved pod as failed', () => {
    const { template, podFailurePolicy } = job.spec;
    const [{ name, resources }] = template.spec.containers;
    expect(resources.limits.cpu).toBe(resources.requests.cpu);
    const actions = podFailurePolicy.rules.map(({ action, onExitCodes }: never) => [action, onExitCodes]);
    const codes = (values: number[]) => ({ containerName: name, operator: 'In', values });
    expect(actions).toEqual([
      ['Ignore', undefined],
      ['Ignore', codes([130, 143])],
      ['FailJob', codes([2])],
    ]);
  });
});

describe('the Dockerfile', () => {
  it('is clean to its linter, and installs this version', async () => {
    const text = await readFile(pathOf('Dockerfile'), 'utf8');
    expect(validateDockerfile(text)).toEqual([]);
    expect(validateDockerfile(text.replace('USER node', 'USR node'))).not.toEqual([]);
    expect(text).toContain(`ARG DPAR_VERSION=${version}\n`);
  });
});
