import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { formatNpz } from '@dpar/io';
import { readCheckpoint, readNpz, writeCheckpoint } from '@dpar/io/node';
import { createRandom } from '@dpar/tensor';
import { encode } from 'fast-png';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { failingSample, llamagen, sample, tokenizerFolder } from '../testing/sampling.js';

let [folder, output] = ['', ''];
let run: string[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  output = join(folder, 'merged.npz');
  run = [...llamagen, '--tokenizer', await tokenizerFolder(), '--classes', '0-2', '--count', '7', '--greedy'];
});

const merge = (...argv: string[]) => runCli(['merge', '--json', '--quiet', '--output', output, '--input', ...argv]);

async function refusal(...argv: string[]): Promise<string> {
  const { status, stderr } = await merge(...argv);
  expect(status).toBe(1);
  return stderr;
}

describe('parts of dpar sample', () => {
  it('become the file that one run makes: batches, folders, and both', async () => {
    const whole = join(folder, 'whole.npz');
    await sample(...run, '--output', whole);
    const expected = await readFile(whole);
    expect([...(await readNpz(whole)).keys()]).toEqual(['arr_0', 'arr_1']);
    const [batches, images] = [join(folder, 'batches'), join(folder, 'images')];
    await mkdir(batches);
    for (const i of [0, 1, 2]) await sample(...run, '--shard', `${i}/3`, '--output', join(batches, `${i}.npz`));
    for (const i of [2, 0]) await sample(...run, '--shard', `${i}/3`, '--output', images);
    const paths = [2, 0, 1].map((i) => join(batches, `${i}.npz`));
    for (const argv of [paths, [batches], [images, join(batches, '1.npz')]]) {
      await rm(output, { force: true });
      const { status, stdout, stderr } = await merge(...argv);
      expect([status, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toMatchObject({ images: 7, width: 16, height: 16, labels: true });
      expect(Buffer.compare(await readFile(output), expected)).toBe(0);
    }
    // Again, and with the file among the parts.
    const inside = join(batches, 'all.npz');
    for (const _ of [1, 2]) {
      expect((await runCli(['merge', '--input', batches, '--output', inside])).status).toBe(0);
      expect(Buffer.compare(await readFile(inside), expected)).toBe(0);
    }

    // What is missing or there twice is named, and the file that is there stays.
    expect(await refusal(images)).toContain('expected images 0-6 once each, got none of 2-3.');
    expect(await refusal(...paths.slice(1))).toContain('got none of 4-6.');
    expect(await refusal(...paths, '--count', '9')).toContain('expected shards of a run of 9 images, got 7');
    const twice = await refusal(...paths, images);
    expect(twice).toContain(`got twice 0 ('${join(images, '000000.png')}', '${paths[1]}'), 1 (`);
    expect(await refusal(...paths, paths[0] ?? '')).toContain("got '");
    expect(await readFile(output)).toEqual(expected);
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('of prompts have the class of the first word', async () => {
    const { config, parameters } = await readCheckpoint(fixturePath('llamagen'));
    await writeCheckpoint(join(folder, 'model'), config, parameters);
    await writeFile(join(folder, 'model/classes.json'), '["cat", "dog", "/red", "/hot"]');
    const prompts = ['--checkpoint', join(folder, 'model'), '--classes', 'hot red,dog', '--count', '3'];
    await sample(...run, ...prompts, '--output', join(folder, 'images'));
    expect((await merge(join(folder, 'images'))).status).toBe(0);
    const { bytes } = (await readNpz(output)).get('arr_1') as { readonly bytes: Uint8Array };
    expect([...new BigInt64Array(bytes.slice().buffer)]).toEqual([3n, 1n, 3n]);
  });

  it('of two runs are not merged', async () => {
    const [a, b] = [join(folder, 'a.npz'), join(folder, 'b')];
    await sample(...run, '--shard', '0/2', '--output', a);
    await sample(...run, '--seed', '5', '--shard', '1/2', '--output', b);
    expect(await refusal(a, b)).toContain("expected 'seed' 0");
    await writeFile(
      join(b, '../c.npz'),
      formatNpz({ arr_0: { dtype: 'U8', shape: [1, 16, 16, 3], bytes: new Uint8Array(768) } }),
    );
    expect(await refusal(a, join(folder, 'c.npz'))).toContain('has no record of its images');
  });
});

describe('other sets', () => {
  const batch = (count: number, value: number, side = 2, labels = false) =>
    formatNpz({
      arr_0: { dtype: 'U8', shape: [count, side, side, 3], bytes: new Uint8Array(count * side * side * 3).fill(value) },
      ...(labels && { arr_1: { dtype: 'I64', shape: [count], bytes: new Uint8Array(8 * count).fill(0) } }),
    });

  it('follow one another', async () => {
    await mkdir(join(folder, 'images'));
    const png = (value: number) =>
      encode({ width: 2, height: 2, data: new Uint8Array(12).fill(value), channels: 3, depth: 8 });
    for (const [name, value] of [
      ['x.png', 5],
      ['a.png', 4],
    ] as const)
      await writeFile(join(folder, 'images', name), png(value));
    for (const name of ['notes.txt', '.x.png', '._a.png']) await writeFile(join(folder, 'images', name), '');
    await writeFile(join(folder, 'a.npz'), batch(2, 9));
    const { stdout } = await merge(join(folder, 'a.npz'), join(folder, 'images'), '--count', '4');
    expect(JSON.parse(stdout)).toMatchObject({
      images: 4,
      labels: false,
      ignored_files: ['._a.png', '.x.png', 'notes.txt'].map((name) => join(folder, 'images', name)),
    });
    const bytes = (await readNpz(output)).get('arr_0')?.bytes ?? [];
    expect([...bytes].filter((_, i) => i % 12 === 0)).toEqual([9, 9, 4, 5]);
    expect(await refusal(join(folder, 'a.npz'), '--count', '3')).toContain('expected 3 images, got 2');
  });

  it('must be of one size, whole, and all have labels or none', async () => {
    await writeFile(join(folder, 'a.npz'), batch(2, 9));
    await writeFile(join(folder, 'b.npz'), batch(2, 9, 3));
    await writeFile(join(folder, 'c.npz'), batch(2, 9, 2, true));
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, `${name}.npz`)) as [string, string, string];
    expect(await refusal(a, b)).toContain(`got 3 x 3 in image 0 of '${b}'`);
    expect(await refusal(a, c)).toContain('expected labels in all parts or in none');
    await cp(a, join(folder, 'd.png'));
    await mkdir(join(folder, 'images'));
    await rename(join(folder, 'd.png'), join(folder, 'images/d.png'));
    expect(await refusal(a, join(folder, 'images'))).toContain('d.png');
    expect((await readdir(folder)).sort()).toEqual(['a.npz', 'b.npz', 'c.npz', 'images']);
  });
});

describe('shards', () => {
  it("of LlamaGen's layout hold the tokens of the other, and damage to one of their files is found", async () => {
    const random = createRandom(3);
    const pixels = Uint8Array.from({ length: 6 * 768 }, () => random.integer(256));
    const images = join(folder, 'images.npz');
    await writeFile(images, formatNpz({ arr_0: { dtype: 'U8', shape: [6, 16, 16, 3], bytes: pixels } }));
    const tokenize = ['tokenize', '--tokenizer', await tokenizerFolder(), '--input', images, '--flip', '--quiet'];
    const [shards, llamagen, copy] = ['shards', 'llamagen', 'copy'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const made = [
      await runCli([...tokenize, '--output', shards]),
      await runCli([...tokenize, '--output', llamagen, '--layout', 'llamagen', '--part-size', '2']),
    ];
    expect(made.map(({ status }) => status)).toEqual([0, 0]);
    const [a, b] = ['a', 'b'].map((name) => join(folder, `${name}.safetensors`)) as [string, string];
    const run = (...argv: string[]) => runCli(['merge', '--quiet', ...argv]);
    expect((await run('--input', shards, '--output', a)).status).toBe(0);
    expect((await run('--input', llamagen, '--output', b)).status).toBe(0);
    expect(await readFile(b)).toEqual(await readFile(a));
    expect((await run('--input', llamagen, '--output', copy)).status).toBe(0);
    expect((await readdir(copy, { recursive: true })).sort()).toEqual(
      (await readdir(llamagen, { recursive: true })).sort(),
    );
    const codes = join('images16_codes', '3.npy');
    expect(await readFile(join(copy, codes))).toEqual(await readFile(join(llamagen, codes)));
    // The copy has names of its own for the same files.
    await rm(join(copy, codes));
    await cp(join(llamagen, 'images16_codes', '2.npy'), join(copy, codes));
    const { status, stderr } = await run('--input', copy, '--output', join(folder, 'c.safetensors'));
    expect(status).toBe(1);
    expect(stderr).toContain('got none of 2-3; damaged shards');
    expect((await run('--input', shards, '--output', join(folder, 'x.npz'))).status).toBe(2);
  });

  it('are not made again where they are whole, and never in the place of another', async () => {
    const path = join(folder, '1.npz');
    const argv = [...run, '--shard', '1/3', '--output', path];
    expect(await sample(...argv)).toMatchObject({ generated: 2 });
    const bytes = await readFile(path);
    expect(await sample(...argv)).toMatchObject({ images: 2, generated: 0 });
    expect((await failingSample([...run, '--shard', '2/3', '--output', path])).stderr).toContain(
      'expected the shard of images 4 to 6 of 7',
    );
    expect((await failingSample([...argv, '--seed', '9'])).stderr).toContain("expected 'seed' 0");
    await writeFile(path, bytes.subarray(0, -9));
    expect(await sample(...argv)).toMatchObject({ generated: 2 });
    expect(await readFile(path)).toEqual(bytes);
  });
});
