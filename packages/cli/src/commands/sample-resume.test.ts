import { cp, mkdir, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { PartFolder } from '@dpar/shards';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dpar, failingSample, llamagen, sample, tokenizerFolder } from '../testing/sampling.js';

afterEach(() => vi.restoreAllMocks());

/** Runs a command and interrupts it as soon as `batches` batches are kept. @returns What it said. */
async function interrupted(batches: number, ...argv: string[]): Promise<string> {
  const interruption = new AbortController();
  const add = PartFolder.prototype.add;
  let kept = 0;
  vi.spyOn(PartFolder.prototype, 'add').mockImplementation(async function (this: PartFolder, ...batch) {
    await add.apply(this, batch);
    if (++kept === batches) interruption.abort();
  });
  const { status, stderr } = await failingSample(argv, interruption.signal);
  vi.restoreAllMocks();
  expect(status).toBe(130);
  return stderr;
}

const five = ['--classes', '0-2', '--count', '5', '--seed', '3', '--batch-size', '2'];

describe.each(['safetensors', 'npz', 'png'])('an interrupted .%s', (extension) => {
  it('resumes and becomes the same file', async () => {
    const folder = await temporaryFolder();
    const argv = [...dpar, '--tokenizer', await tokenizerFolder(), ...five];
    const [whole, output] = ['whole', 'out'].map((name) => join(folder, `${name}.${extension}`)) as [string, string];
    await sample(...argv, '--output', whole);
    expect(await readdir(folder)).toEqual([basename(whole)]);

    const line = await interrupted(1, ...argv, '--output', output);
    expect(line).toContain(
      `interrupted. 2 of 5 images are in '${output}.partial': run the same command again to resume.`,
    );
    expect((await readdir(folder)).sort()).toEqual([`out.${extension}.partial`, basename(whole)]);
    expect((await readdir(`${output}.partial`)).sort()).toEqual(['000000-000001.safetensors', 'sample.json']);

    // How many are made at a time is no matter.
    expect(await sample(...argv, '--batch-size', '3', '--output', output)).toMatchObject({ images: 5, generated: 3 });
    expect(await readFile(output)).toEqual(await readFile(whole));
    expect((await readdir(folder)).sort()).toEqual([basename(output), basename(whole)]);
  });

  it('has all its images when it is interrupted just before it is written', async () => {
    const output = join(await temporaryFolder(), `out.${extension}`);
    const argv = [...llamagen, '--tokenizer', await tokenizerFolder(), ...five, '--shard', '1/2', '--output', output];
    expect(await interrupted(2, ...argv)).toContain('3 of 3 images');
    expect(await readdir(dirname(output))).toEqual([`out.${extension}.partial`]);
    expect(await sample(...argv)).toMatchObject({ images: 3, generated: 0, images_per_second: null });
    expect(await readdir(dirname(output))).toEqual([`out.${extension}`]);
  });
});

describe('finished batches', () => {
  /** A run that was interrupted after two of its batches, and what it makes if it is not. */
  async function begun() {
    const folder = await temporaryFolder();
    const output = join(folder, 'out.safetensors');
    const argv = [...llamagen, ...five];
    await sample(...argv, '--output', output);
    const expected = await readFile(output);
    await rm(output);
    await interrupted(2, ...argv, '--output', output);
    const part = join(`${output}.partial`, '000000-000001.safetensors');
    return { output, argv: [...argv, '--output', output], part, expected };
  }

  const damages: [string, (path: string) => Promise<void>][] = [
    ['cut off', async (path) => truncate(path, (await stat(path)).size - 8)],
    ['empty', (path) => truncate(path, 0)],
    ['of another format', (path) => writeFile(path, 'not safetensors')],
    [
      'changed in place',
      async (path) => {
        const file = await open(path, 'r+');
        await file.write(Uint8Array.of(77), 0, 1, (await stat(path)).size - 4);
        await file.close();
      },
    ],
    ['gone', (path) => rm(path)],
  ];
  it.each(damages)('are made again where one is %s', async (_, damage) => {
    const { output, argv, part, expected } = await begun();
    await damage(part);
    expect(await sample(...argv)).toMatchObject({ images: 5, generated: 3 });
    expect(await readFile(output)).toEqual(expected);
  });

  const changes: [string, string[], string][] = [
    ['another seed', ['--seed', '4'], "expected 'seed' 3 as in '"],
    ['other classes', ['--classes', '0,1'], "expected 'classes' \"0,1,2\" as in '"],
    ['another number of images', ['--count', '6'], "expected 'count' 5 as in '"],
    ['another part', ['--shard', '0/2'], "expected 'shard' \"0/1\" as in '"],
    ['another scale', ['--guidance-scale', '3'], "expected 'cfg_scale' 2 as in '"],
    ['another schedule', ['--guidance-schedule', 'linear'], "expected 'cfg_schedule' \"constant\" as in '"],
    ['another interval', ['--guidance-interval', '0:3'], "expected 'cfg_interval' null as in '"],
    ['other weights', ['--weights', 'int8'], "expected 'weights' \"float32\" as in '"],
    [
      'given tokens',
      ['--prefix', fixturePath('llamagen/io.safetensors'), '--prefix-length', '3'],
      "'prefix' none as in",
    ],
  ];
  it('are not mixed with those of other settings', async () => {
    const { output, argv, part, expected } = await begun();
    const before = await readFile(part);
    for (const [name, change, message] of changes) {
      const { status, stderr } = await failingSample([...argv, ...change]);
      expect(stderr, name).toContain(message);
      expect(stderr, name).toContain(`Pass the same settings to resume, or remove '${output}.partial' to start anew.`);
      expect(status, name).toBe(1);
    }
    expect(await readFile(part)).toEqual(before);
    expect(await sample(...argv)).toMatchObject({ generated: 1 });
    expect(await readFile(output)).toEqual(expected);
  });

  it('belong to a model, wherever it lies', async () => {
    const folder = await temporaryFolder();
    const model = join(folder, 'model');
    await cp(fixturePath('llamagen'), model, { recursive: true });
    const { argv } = await begun();
    const other = [...argv, '--checkpoint', model];
    const weights = join(model, 'model.safetensors');
    const bytes = await readFile(weights);
    await writeFile(weights, bytes.fill(1, bytes.length - 4));
    expect(await failingSample(other)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("the content of 'checkpoint' has changed"),
    });
    await cp(fixturePath('llamagen'), model, { recursive: true });
    expect(await sample(...other)).toMatchObject({ generated: 1 });
  });

  it('of another program are left alone', async () => {
    const output = join(await temporaryFolder(), 'out.safetensors');
    await mkdir(`${output}.partial`);
    await writeFile(join(`${output}.partial`, 'mine.txt'), 'mine');
    const { status, stderr } = await failingSample([...llamagen, '--classes', '1', '--output', output]);
    expect([status, stderr]).toEqual([1, expect.stringContaining('of an earlier run, got a folder without it')]);
    expect(await readdir(`${output}.partial`)).toEqual(['mine.txt']);
  });

  it('are none when it is interrupted before', async () => {
    const folder = await temporaryFolder();
    const argv = [...llamagen, '--classes', '0-4', '--output', join(folder, 'out.safetensors')];
    const { status, stderr } = await failingSample(argv, AbortSignal.abort());
    expect([status, stderr]).toEqual([130, 'dpar sample: interrupted.\n']);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a folder', () => {
  it('is gone on with image by image, and what is there stays', async () => {
    const folder = join(await temporaryFolder(), 'images');
    const argv = [...llamagen, '--tokenizer', await tokenizerFolder(), '--classes', '1,4', '--count', '6'];
    const pathOf = (i: number) => join(folder, `00000${i}.png`);
    await sample(...argv, '--output', folder);
    const expected = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => readFile(pathOf(i))));
    const old = new Date(2001, 1, 1);
    for (let i = 0; i < 6; i++) await utimes(pathOf(i), old, old);
    for (const i of [1, 2, 5]) await rm(pathOf(i));
    expect(await sample(...argv, '--batch-size', '4', '--output', folder)).toMatchObject({ images: 6, generated: 3 });
    for (let i = 0; i < 6; i++) {
      expect(await readFile(pathOf(i))).toEqual(expected[i]);
      expect((await stat(pathOf(i))).mtime.getTime() === old.getTime(), `image ${i}`).toBe(![1, 2, 5].includes(i));
    }
  });

  it('takes no images of other settings', async () => {
    const folder = join(await temporaryFolder(), 'images');
    const argv = [...llamagen, '--tokenizer', await tokenizerFolder(), '--classes', '1', '--output', folder];
    await sample(...argv, '--greedy');
    const { status, stderr } = await failingSample([...argv, '--greedy', '--seed', '1']);
    expect([status, stderr]).toEqual([1, expect.stringContaining("expected 'seed' 0 as in")]);
    expect(stderr).toContain('or choose another folder');
    const other = [...argv, '--greedy', '--tokenizer', await tokenizerFolder(2)];
    expect((await failingSample(other)).stderr).toContain("expected 'tokenizer'");
    expect((await failingSample(argv)).stderr).toContain("expected 'greedy' true as in");
  });
});

it('finds out before it begins that the place is taken', async () => {
  const folder = await temporaryFolder();
  const argv = [...llamagen, '--tokenizer', await tokenizerFolder(), '--classes', '1'];
  await mkdir(join(folder, 'out.npz'));
  await writeFile(join(folder, 'images'), '');
  const refusal = async (name: string) => (await failingSample([...argv, '--output', join(folder, name)])).stderr;
  expect(await refusal('out.npz')).toContain('expected a file or nothing at');
  expect(await refusal('images')).toContain('expected a folder or nothing at');
});
