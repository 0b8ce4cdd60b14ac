import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { formatNpz } from '@dpar/io';
import { createRandom } from '@dpar/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { blockMeansNetwork } from './testing/block-means.js';
import { runCli } from './testing/run-cli.js';
import { dpar, tokenizerFolder } from './testing/sampling.js';

const bin = fileURLToPath(new URL('../bin/dpar.js', import.meta.url));
const [shards, images] = [8, 32];
const random = createRandom(77, 0);
let folder = '';
let tokenizer = '';

const place = (name: string): string => join(folder, name);

async function cli(...argv: string[]) {
  const { status, stdout, stderr } = await runCli([...argv, '--quiet', '--threads', '1', '--json']);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

/** Visible files below a folder, or a file, by their paths. A kill may leave hidden files that were being written. */
async function contentsOf(path: string): Promise<Map<string, string>> {
  if (/\.\w+$/.test(path)) return new Map([['', (await readFile(path)).toString('base64')]]);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(
    await Promise.all(
      paths.map(async (file) => [file.slice(path.length), (await readFile(file)).toString('base64')] as const),
    ),
  );
}

beforeEach(async () => {
  folder = await temporaryFolder();
  tokenizer = await tokenizerFolder();
  const pixels = Uint8Array.from({ length: images * 768 }, () => random.integer(256));
  const arr_0 = { dtype: 'U8' as const, shape: [images, 16, 16, 3], bytes: pixels };
  await writeFile(place('images.npz'), formatNpz({ arr_0 }));
  await writeFile(place('means.onnx'), blockMeansNetwork());
});

/** A command whose shards are made, what counts how many were made, and where the merged result goes. */
interface Case {
  readonly name: string;
  readonly argv: () => string[];
  readonly made: string;
  /** Makes what the command reads. */
  readonly prepare?: () => Promise<unknown>;
  /** True if each shard has its own path. */
  readonly files?: boolean;
  /** Endings of merged results. */
  readonly merged: readonly string[];
}

const tokenizeArgv = () => [
  'tokenize',
  '--tokenizer',
  tokenizer,
  '--input',
  place('images.npz'),
  '--flip',
  '--part-size',
  '2',
];

const cases: readonly Case[] = [
  {
    name: 'tokenize',
    argv: () => tokenizeArgv(),
    made: 'tokenized',
    merged: ['.safetensors', ''],
  },
  {
    name: 'entropy',
    argv: () => ['entropy', '--checkpoint', fixturePath('entropy-model'), '--input', place('tokens')],
    prepare: async () => cli(...tokenizeArgv(), '--output', place('tokens')),
    made: 'written',
    merged: ['.safetensors', ''],
  },
  {
    name: 'sample',
    argv: () => ['sample', ...dpar, '--classes', '0-4', '--count', `${images / 2}`, '--batch-size', '1', '--seed', '5'],
    made: 'generated',
    files: true,
    merged: ['.safetensors'],
  },
  {
    name: 'features',
    argv: () => [
      'features',
      '--images',
      place('images.npz'),
      '--features',
      place('means.onnx'),
      '--range',
      'unit',
      '--part-size',
      '2',
      '--batch-size',
      '2',
    ],
    made: 'extracted',
    merged: ['.npz', ''],
  },
];

describe.each(cases)('8 shards of dpar $name', ({ name, argv, made, prepare, files = false, merged }) => {
  it('in random order, killed and repeated, are merged to the bytes of one run', { timeout: 240_000 }, async () => {
    await prepare?.();
    const whole = place(files ? `${name}-whole.safetensors` : `${name}-whole`);
    await cli(...argv(), '--output', whole);
    const parts = place(`${name}-shards`);
    await mkdir(parts);
    const argvOf = (shard: number): string[] => {
      const output = files ? join(parts, `${shard}.safetensors`) : parts;
      return [...argv(), '--shard', `${shard}/${shards}`, '--output', output];
    };
    const count = async (): Promise<number> => (await contentsOf(parts)).size;
    let killed = 0;
    const kills = new Set([random.integer(shards), random.integer(shards)]);
    for (const [k, shard] of random.permutation(shards).entries()) {
      if (kills.has(k)) {
        const before = await count();
        const child = spawn(process.execPath, [bin, ...argvOf(shard), '--quiet', '--threads', '1'], {
          stdio: 'ignore',
        });
        const end = new Promise((resolve) => child.on('close', resolve));
        while (child.exitCode === null && (await count()) === before) await setTimeout(1);
        child.kill('SIGKILL');
        await end;
        if ((await count()) > before) killed++;
      }
      await cli(...argvOf(shard));
      const again = await contentsOf(parts);
      if (random.integer(2) === 0) {
        expect((await cli(...argvOf(shard)))[made]).toBe(0);
        expect(await contentsOf(parts)).toEqual(again);
      }
    }
    expect(killed).toBeGreaterThan(0);

    for (const ending of merged) {
      const [a, b] = ['one', 'many'].map((how) => place(`${name}-${how}${ending}`)) as [string, string];
      await cli('merge', '--input', parts, '--output', b);
      if (files) expect(await contentsOf(b)).toEqual(await contentsOf(whole));
      else {
        await cli('merge', '--input', whole, '--output', a);
        expect(await contentsOf(b)).toEqual(await contentsOf(a));
        if (ending === '') expect(await contentsOf(b)).toEqual(await contentsOf(whole));
      }
    }

    // Damage, a gap and another run are named, and nothing is written.
    const shardFiles = (await readdir(parts, { recursive: true }))
      .filter((file) => file.endsWith('.safetensors'))
      .sort();
    const [victim = '', gone = ''] = shardFiles.map((file) => join(parts, file));
    const bytes = await readFile(victim);
    await writeFile(
      victim,
      bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
    );
    await rm(gone);
    const output = place(`${name}-refused${merged[0]}`);
    const { status, stderr } = await runCli(['merge', '--quiet', '--input', parts, '--output', output]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/got none of \d+/);
    expect(stderr).toContain(`damaged shards '${victim}'`);
    expect((await readdir(folder)).filter((file) => file.startsWith(`${name}-refused`))).toEqual([]);
    const twice = await runCli(['merge', '--quiet', '--input', parts, whole, '--output', output]);
    expect(twice.stderr).toMatch(files ? /expected shards|got none|damaged/ : /twice/);
  });
});
