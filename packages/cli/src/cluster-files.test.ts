import { spawnSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { validate as validateDockerfile } from 'dockerfile-utils';
import { Job } from 'kubernetes-models/batch/v1';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { commands } from './commands/index.js';
import { globals } from './globals.js';
import { createProgram } from './program.js';
import { version } from './version.js';

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
  async function calls(script: string, stage: string, environment: Record<string, string> = {}) {
    const folder = await temporaryFolder();
    const log = join(folder, 'calls');
    await writeFile(join(folder, 'dpar'), `#!/bin/sh\nprintf '%s\\n' "$@" '' >> '${log}'\n`);
    await chmod(join(folder, 'dpar'), 0o755);
    const env = {
      ...{ PATH: `${folder}${delimiter}${process.env.PATH}`, WORK: folder, CLUSTER: pathOf('') },
      ...{ TOKENIZER: 'vq', IMAGES: 'a b', ENTROPY_CHECKPOINT: 'e', CHECKPOINT: 'c', FEATURES: 'f.pth' },
      ...environment,
    };
    const { status, stderr } = spawnSync('bash', [script, stage], { encoding: 'utf8', env });
    const text = await readFile(log, 'utf8').catch(() => '');
    const lines = text.split('\n\n').filter((call) => call !== '');
    return { status, stderr, calls: lines.map((call) => call.split('\n')), folder };
  }

  it.each(['tokenize', 'entropy', 'sample', 'features'])('call dpar %s as it is', async (stage) => {
    const run = await calls(pathOf('dpar.slurm'), stage, { SLURM_ARRAY_TASK_ID: '3', SHARDS: '8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
    expect(run.calls).toHaveLength(1);
    const [argv = []] = run.calls;
    expect(argv.slice(-2)).toEqual(['--shard', '3/8']);
    let parsed: unknown;
    const program = createProgram(commands, { version, globals, print: () => {} }, async ({ name }) => {
      parsed = name;
    });
    await program.parseAsync(argv, { from: 'user' });
    expect(parsed).toBe(stage);
    const others = await calls(pathOf('pipeline.sh'), stage);
    expect(others.calls[0]).toEqual(argv.slice(0, -2).map((word) => word.replace(run.folder, others.folder)));
  });

  it('merge once, what is there', async () => {
    expect((await calls(pathOf('pipeline.sh'), 'merge', { JOB_COMPLETION_INDEX: '1' })).calls).toEqual([]);
    const { status, calls: none } = await calls(pathOf('pipeline.sh'), 'merge', { JOB_COMPLETION_INDEX: '0' });
    expect([status, none]).toEqual([0, []]);
    expect((await calls(pathOf('pipeline.sh'), 'nothing')).status).toBe(2);
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
});

describe('the Dockerfile', () => {
  it('is clean to its linter, and installs this version', async () => {
    const text = await readFile(pathOf('Dockerfile'), 'utf8');
    expect(validateDockerfile(text)).toEqual([]);
    expect(validateDockerfile(text.replace('USER node', 'USR node'))).not.toEqual([]);
    expect(text).toContain(`ARG DPAR_VERSION=${version}\n`);
  });
});
