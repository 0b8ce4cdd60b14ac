import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { formatNpz } from '@dpar/io';
import { writeClassNames, writeSafetensors } from '@dpar/io/node';
import { createRandom, int32 } from '@dpar/tensor';
import { createDiskSource, findTokenLayout } from '@dpar/train/node';
import { encode } from 'fast-png';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { tokenizerFolder } from '../testing/sampling.js';

let folder: string;
let tokenizer: string;
beforeEach(async () => {
  [folder, tokenizer] = [await temporaryFolder(), await tokenizerFolder()];
});

/** Writes files below the folder, images of 16 pixels where their names end so. Names that end in a slash are folders. */
async function write(input: string, ...names: readonly string[]): Promise<string> {
  for (const [i, name] of names.entries()) {
    const path = join(folder, input, name);
    await mkdir(name.endsWith('/') ? path : dirname(path), { recursive: true });
    const random = createRandom(i, name.length);
    const data = Uint8Array.from({ length: 768 }, () => random.integer(256));
    const png = encode({ width: 16, height: 16, data, channels: 3, depth: 8 });
    if (!name.endsWith('/')) await writeFile(path, name.endsWith('.png') ? png : name);
  }
  return join(folder, input);
}

const tokenize = (input: string, output: string, ...more: readonly string[]) =>
  runCli([
    'tokenize',
    '--tokenizer',
    tokenizer,
    '--input',
    input,
    '--output',
    join(folder, output),
    '--threads',
    '1',
    '--json',
    ...more,
  ]);

async function tokenized(input: string, output: string, ...more: readonly string[]) {
  const { status, stdout, stderr } = await tokenize(input, output, ...more);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  const source = createDiskSource(await findTokenLayout(join(folder, output)));
  const all = Int32Array.from({ length: source.images }, (_, i) => i);
  const { labels } = await source.load(all, new Int32Array(all.length));
  const names = await readFile(join(folder, output, 'classes.json'), 'utf8').then(JSON.parse, () => undefined);
  return { ...JSON.parse(stdout), labels: [...labels.data], names, stderr };
}

async function refusal(...argv: Parameters<typeof tokenize>): Promise<string> {
  const { status, stdout, stderr } = await tokenize(...argv);
  expect([status, stdout]).toEqual([1, '']);
  return stderr;
}

describe('classes', () => {
  it('without images keep their numbers: empty folders, and those whose files are no images', async () => {
    const input = await write('images', 'cat/a.png', 'dog/', 'fox/b.png', 'goat/notes.txt', 'owl/deep/c.png');
    const found = await tokenized(input, 'tokens');
    expect(found).toMatchObject({
      labels: [0, 2, 4],
      names: ['cat', 'dog', 'fox', 'goat', 'owl'],
      classes: 5,
      empty_classes: ['dog', 'goat'],
      ignored_files: ['goat/notes.txt'],
    });
    expect(found.stderr).toContain('no images of dog, goat, whose class numbers stay');
  });

  it('are numbered by a list, so that validation data without some of them agree', async () => {
    const training = await tokenized(await write('train', 'cat/1.png', 'dog/1.png', 'fox/1.png'), 'a');
    const validation = await write('validation', 'fox/9.png', 'cat/9.png', 'other/notes.txt');
    const list = join(folder, 'a/classes.json');
    const found = await tokenized(validation, 'b', '--classes-file', list);
    expect(found).toMatchObject({ labels: [0, 2], names: training.names, classes: 3, empty_classes: ['dog'] });
    const text = join(folder, 'classes.txt');
    await writeFile(text, '\uFEFFfox\r\ncat\r\n');
    expect(await tokenized(validation, 'c', '--classes-file', text)).toMatchObject({
      labels: [1, 0],
      names: ['fox', 'cat'],
    });
    // Tokens have the list too, in a folder or merged to one file.
    const merged = join(folder, 'a.safetensors');
    expect((await runCli(['merge', '--input', join(folder, 'a'), '--output', merged])).status).toBe(0);
    for (const [i, tokens] of [join(folder, 'a'), merged].entries()) {
      expect(await tokenized(validation, `d${i}`, '--classes-file', tokens)).toMatchObject({
        labels: [0, 2],
        names: training.names,
      });
    }
    expect(await refusal(validation, 'x', '--classes-file', validation)).toContain(
      `expected tokens with a list of classes in '${validation}', got none. Pass a JSON list`,
    );
  });

  it('that the list does not have, and images outside of them, are refused', async () => {
    const list = join(folder, 'list.json');
    await writeFile(list, '["cats", "dog"]');
    const input = await write('images', 'cat/a.png', 'dog/b.png');
    expect(await refusal(input, 'x', '--classes-file', list)).toContain(`got 'cat' (the nearest is 'cats')`);
    const outside = await refusal(await write('flat', 'a.png'), 'x', '--classes-file', list);
    expect(outside).toContain(`as '${list}' lists them, got '${join(folder, 'flat/a.png')}'. Move it into one.`);
    for (const [content, got] of [
      ['["cat", "cat"]', "'cat' as classes 0 and 1"],
      ['["cat"', 'damaged JSON'],
      ['{"cat": 0}', 'an object'],
      ['cat\n\ndog\n', '"" as class 1'],
    ] as const) {
      await writeFile(list, content);
      expect(await refusal(input, 'x', '--classes-file', list)).toContain(got);
    }
    expect(await readdir(folder)).not.toContain('x');
  });

  it('of a batch are named by the list, which has all of its labels', async () => {
    const batch = join(folder, 'batch.npz');
    const arr_0 = { dtype: 'U8' as const, shape: [2, 16, 16, 3], bytes: new Uint8Array(2 * 768) };
    const arr_1 = { dtype: 'I64' as const, shape: [2], bytes: new Uint8Array(BigInt64Array.of(2n, 0n).buffer) };
    await writeFile(batch, formatNpz({ arr_0, arr_1 }));
    const list = join(folder, 'list.txt');
    await writeFile(list, 'cat\ndog');
    expect(await refusal(batch, 'x', '--classes-file', list)).toContain('expected labels from 0 to 1');
    await writeFile(list, 'cat\ndog\nfox');
    expect(await tokenized(batch, 'y', '--classes-file', list)).toMatchObject({
      labels: [2, 0],
      names: ['cat', 'dog', 'fox'],
      empty_classes: ['dog'],
    });
  });

  it("are in Python's order, also beyond U+FFFF", async () => {
    // sorted(['Z', 'a', 'a b', '\uff41', '\U0001f600']) in Python.
    const sorted = ['Z', 'a', 'a b', '\uff41', '\u{1f600}'];
    const input = await write('images', ...sorted.map((name) => `${name}/1.png`));
    expect((await tokenized(input, 'tokens')).names).toEqual(sorted);
  });

  it('stay the same from images to tokens to images, also those without images', async () => {
    const input = await write('images', 'cat/a.png', 'dog/', 'fox/b.png');
    await tokenized(input, 'tokens');
    const detokenize = async (output: string) => {
      const argv = ['--tokenizer', tokenizer, '--input', join(folder, 'tokens'), '--output', join(folder, output)];
      const { status, stderr } = await runCli(['detokenize', ...argv, '--threads', '1', '--quiet']);
      expect([status, stderr]).toEqual([0, '']);
    };
    await detokenize('again');
    expect(await tokenized(join(folder, 'again'), 'b')).toMatchObject({ labels: [0, 2], names: ['cat', 'dog', 'fox'] });
    await rm(join(folder, 'tokens/classes.json'));
    await detokenize('numbers');
    expect(await tokenized(join(folder, 'numbers'), 'c')).toMatchObject({ labels: [0, 2], names: ['0', '1', '2'] });
  });

  it('are the first words of prompts', async () => {
    const data = join(folder, 'data');
    await mkdir(data);
    const labels = int32([3, 2], [1, 2, 0, 0, 2, 1]);
    await writeSafetensors(join(data, 'tokens.safetensors'), { tokens: int32([3, 64]), labels });
    await writeClassNames(data, ['pets/cat', 'pets/dog', '/red', '/blue']);
    const argv = ['--tokenizer', tokenizer, '--input', data, '--output', join(folder, 'images'), '--quiet'];
    expect((await runCli(['detokenize', '--threads', '1', ...argv])).status).toBe(0);
    const files = await readdir(join(folder, 'images'), { recursive: true });
    const images = files.filter((name) => name.endsWith('.png')).sort();
    expect(images).toEqual(['pets/cat/000001.png', 'pets/dog/000000.png', 'red/000002.png']);
    // No folder for words without images.
    expect(files).not.toContain('blue');
  });
});

it('leaves out what systems and programs put among images, and says so', async () => {
  const hidden = ['.git/x.png', '.ipynb_checkpoints/a-checkpoint.png', '__MACOSX/cat/._a.png', 'lost+found/1.png'];
  const nested = ['cat/@eaDir/a.png', 'cat/._a.png', 'cat/.hidden.png', 'cat/Thumbs.db', 'dog/$RECYCLE.BIN/b.png'];
  const input = await write('images', 'cat/a.png', 'dog/b.png', ...hidden, ...nested);
  await symlink('nowhere', join(input, 'dog/.#lock'));
  const found = await tokenized(input, 'tokens');
  expect(found).toMatchObject({ images: 2, labels: [0, 1], names: ['cat', 'dog'] });
  expect(found.ignored_files).toEqual([
    '.git',
    '.ipynb_checkpoints',
    '__MACOSX',
    'cat/._a.png',
    'cat/.hidden.png',
    'cat/@eaDir',
    'cat/Thumbs.db',
    'dog/$RECYCLE.BIN',
    'dog/.#lock',
    'lost+found',
  ]);
  expect(found.stderr).toContain('left out: .git, .ipynb_checkpoints');
});

it('takes a folder that holds only entries of the system as empty', async () => {
  await write('tokens', 'desktop.ini', '.DS_Store');
  expect(await tokenized(await write('images', 'cat/a.png'), 'tokens')).toMatchObject({ images: 1 });
});

describe.each([['shards'], ['llamagen']])('of images that have changed, %s', (layout) => {
  it('says which', async () => {
    const input = await write('images', 'cat/a.png', 'cat/b.png', 'dog/c.png');
    const more = ['--layout', layout];
    await tokenized(input, 'tokens', ...more);
    await write('images', 'cat/aa.png');
    expect(await refusal(input, 'tokens', ...more)).toContain(
      "4 images in place of 3: 'cat/aa.png' is new. Restore them",
    );
    await rm(join(input, 'cat/a.png'));
    expect(await refusal(input, 'tokens', ...more)).toContain("3 images: 'cat/a.png' is missing, and 1 more differs.");
    await write('images', 'cat/a.png');
    await rm(join(input, 'cat/aa.png'));
    await writeFile(join(input, 'dog/c.png'), 'short');
    expect(await refusal(input, 'tokens', ...more)).toMatch(/3 images: 'dog\/c.png' has 5 bytes in place of \d+\./);
    await write('images', 'cow/d.png');
    expect(await refusal(input, 'tokens', ...more)).toContain("expected class 1 to be 'dog' as in");
  });
});

it('parts by other classes, or of other images, are not merged', async () => {
  const all = await write('images', 'cat/a.png', 'dog/b.png', 'fox/c.png');
  const some = await write('some', 'cat/a.png', 'fox/c.png', 'fox/d.png');
  const [text, other] = [join(folder, 'a.txt'), join(folder, 'b.txt')];
  await writeFile(text, 'cat\ndog\nfox');
  await writeFile(other, 'cat\nfox');
  const argv = ['--part-size', '1', '--classes-file'];
  await tokenized(all, 'a', '--shard', '0/3', ...argv, text);
  await tokenized(all, 'b', '--shard', '1/3', ...argv, text);
  await tokenized(all, 'c', '--shard', '2/3', ...argv, text);
  await tokenized(some, 'd', '--shard', '2/3', ...argv, other);
  await tokenized(some, 'e', '--shard', '2/3', ...argv, text);
  const merge = (output: string, ...inputs: string[]) =>
    runCli(['merge', ...inputs.flatMap((name) => ['--input', join(folder, name)]), '--output', join(folder, output)]);
  expect((await merge('x', 'a', 'b', 'd')).stderr).toContain("expected class 1 to be 'dog' as in");
  expect((await merge('x', 'a', 'b', 'e')).stderr).toContain("'dog/b.png' is missing, and 1 more differs");
  expect((await merge('merged', 'a', 'b', 'c')).status).toBe(0);
  expect(await readdir(join(folder, 'merged'))).toEqual(expect.arrayContaining(['classes.json', 'images.jsonl']));
  expect((await merge('merged.safetensors', 'a', 'b', 'c')).status).toBe(0);
  // The names are in the file itself: a list beside it that differs does not count.
  await writeFile(join(folder, 'classes.json'), '["others"]');
  const images = ['--tokenizer', tokenizer, '--output', join(folder, 'images-again')];
  expect((await runCli(['detokenize', '--input', join(folder, 'merged.safetensors'), ...images])).status).toBe(0);
  expect(await readdir(join(folder, 'images-again'))).toEqual(expect.arrayContaining(['cat', 'dog', 'fox']));
});
