import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validateWorkflow } from '@action-validator/core';
import { root } from '@dpar/config/published';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const folder = join(root, '.github/workflows');
const files = readdirSync(folder);
const read = (file: string) => readFileSync(join(folder, file), 'utf8');

/** Parts of a workflow that the tests read. */
interface Workflow {
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly (string | number)[]>> };
  readonly steps: readonly {
    readonly run?: string;
    readonly uses?: string;
    readonly with?: Readonly<Record<string, string>>;
  }[];
}

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

describe.each(files)('%s', (file) => {
  it('is valid by the schema of GitHub workflows', () => {
    expect(validateWorkflow(read(file))).toMatchObject({ errors: [] });
  });

  it('runs scripts that there are', () => {
    const { jobs } = parse(read(file)) as Workflow;
    const commands = Object.values(jobs).flatMap(({ steps }) =>
      steps.flatMap((step) => [step.run, step.with?.version, step.with?.publish].filter((text) => text !== undefined)),
    );
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const [, name = ''] = /^npm (?:run )?([\w:]+)$/.exec(command) ?? [];
      expect(Object.keys(scripts), command).toContain(name);
    }
  });
});

it('finds what is wrong', () => {
  expect(validateWorkflow(read('ci.yml').replace('runs-on', 'run-on')).errors).not.toEqual([]);
});

it('tests on three systems with three versions of Node', () => {
  const { test } = (parse(read('ci.yml')) as Workflow).jobs;
  expect(test!.strategy!.matrix).toEqual({
    os: ['ubuntu-latest', 'macos-latest', 'windows-latest'],
    node: [20, 22, 24],
  });
});

it('runs the product on Bun and Deno', () => {
  const { runtimes } = (parse(read('ci.yml')) as Workflow).jobs;
  const used = runtimes!.steps.flatMap(({ uses, run }) => uses ?? run ?? []);
  expect(used).toEqual(expect.arrayContaining(['oven-sh/setup-bun@v2', 'denoland/setup-deno@v2', 'npm run runtimes']));
});

it('publishes with provenance, by changesets', () => {
  const { release } = (parse(read('release.yml')) as Workflow).jobs;
  expect(release!.permissions).toEqual({ contents: 'write', 'pull-requests': 'write', 'id-token': 'write' });
  expect(release!.steps.map(({ uses }) => uses)).toContain('changesets/action@v1');
});

it('publishes the documentation site to GitHub Pages', () => {
  const { publish } = (parse(read('docs.yml')) as Workflow).jobs;
  expect(publish!.permissions).toEqual({ contents: 'read', pages: 'write', 'id-token': 'write' });
  expect(publish!.steps.find(({ uses }) => uses?.startsWith('actions/upload-pages-artifact'))?.with).toEqual({
    path: 'packages/docs/output',
  });
  expect(publish!.steps.map(({ uses }) => uses)).toContain('actions/deploy-pages@v4');
});
