import { readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createRandom, int32 } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { PartFolder } from './part-folder.js';
import { type ItemRange, type Share, shareOf } from './ranges.js';
import { runSharded } from './run-sharded.js';

const [items, partSize] = [50, 4];
const settings = { seed: 7 };
const settingsFile = 'run.json';
const types = { value: ['I32', []] } as const;
/** A time at which no process is writing any more. */
const longAgo = new Date(0);
const all: Share = { index: 0, count: 1 };

/** Writes the cubes of the items of a share, and stops before an item. */
async function cubes(folder: string, share: Share, stopBefore = items): Promise<number> {
  const ours = shareOf(items, share, partSize);
  const store = await PartFolder.open(folder, { count: items, ours, types, settings, settingsFile });
  return runSharded({
    store,
    ours,
    partSize,
    async *make({ parts }) {
      for (const { start, count } of parts) {
        if (start + count > stopBefore) throw new Error('stopped here');
        yield {
          value: int32(
            [count],
            Int32Array.from({ length: count }, (_, i) => (start + i) ** 3),
          ),
        };
      }
    },
  });
}

async function contentOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await readFile(join(folder, name))).toString('base64')])),
  );
}

describe('runSharded', () => {
  it('ends with the bytes of one run, in shares in any order, stopped and damaged at random', async () => {
    const [whole, folder] = [join(await temporaryFolder(), 'whole'), join(await temporaryFolder(), 'parts')];
    expect(await cubes(whole, all)).toBe(items);
    const random = createRandom(5);
    for (const index of random.permutation(3)) {
      const share = { index, count: 3 };
      const { start, count } = shareOf(items, share, partSize);
      await expect(cubes(folder, share, start + random.integer(count - 1))).rejects.toThrow('stopped here');
      const [name] = (await readdir(folder).catch(() => [])).filter((file) => /^\d/.test(file));
      if (name !== undefined) await writeFile(join(folder, name), 'damaged');
      await cubes(folder, share);
    }
    // The damaged part of another share is made again.
    await cubes(folder, all);
    expect(await contentOf(folder)).toEqual(await contentOf(whole));
    expect(await cubes(folder, all)).toBe(0);
  });

  it('passes what is missing to the check, counts progress, and stops at an interruption before the end', async () => {
    const there = Uint8Array.of(1, 1, 0, 0, 0, 0, 1, 0);
    const interruption = new AbortController();
    const [progress, checked]: [number[][], (readonly ItemRange[])[]] = [[], []];
    const work = (finish: () => Promise<void>) =>
      runSharded({
        store: {
          there,
          async add({ start, count }: ItemRange, value: string) {
            expect(value).toBe(`${start}+${count}`);
            there.fill(1, start, start + count);
            if (start === 4) interruption.abort(new Error('enough'));
          },
        },
        ours: { start: 1, count: 7 },
        partSize: 2,
        check: async (missing) => void checked.push(missing),
        async *make({ parts, report }) {
          for (const { start, count } of parts) {
            report(1);
            yield `${start}+${count}`;
          }
        },
        finish,
        onProgress: (done, total, kept) => void progress.push([done, total, kept]),
        ...(!interruption.signal.aborted && { signal: interruption.signal }),
      });
    let finished = 0;
    await expect(work(async () => void finished++)).rejects.toThrow('enough');
    expect(checked).toEqual([
      [
        { start: 2, count: 4 },
        { start: 7, count: 1 },
      ],
    ]);
    expect(progress).toEqual([
      [2, 7, 2],
      [3, 7, 2],
      [4, 7, 4],
      [5, 7, 4],
      [6, 7, 6],
    ]);
    expect(finished).toBe(0);
    expect(await work(async () => void finished++)).toBe(1);
    expect(finished).toBe(1);
    expect([...there]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });
});

describe('PartFolder', () => {
  it('removes what killed processes left, and keeps what others are writing', async () => {
    const folder = join(await temporaryFolder(), 'parts');
    const first: Share = { index: 0, count: 3 };
    await cubes(folder, first);
    const id = 'partial-0123456789abcdef';
    const left = [`.000000-000003.safetensors.${id}`, `.000048-000049.safetensors.${id}`, `.${settingsFile}.${id}`];
    const writing = `.000044-000047.safetensors.${id}`;
    for (const name of [...left, writing]) await writeFile(join(folder, name), 'half');
    for (const name of left) await utimes(join(folder, name), longAgo, longAgo);
    await cubes(folder, first);
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([writing]);
  });

  it('is removed whole, or hidden until it is opened again', async () => {
    const root = await temporaryFolder();
    const folder = join(root, 'parts');
    await cubes(folder, all);
    // As a process that is killed while it removes the folder.
    const half = join(root, '.parts.partial-0123456789abcdef');
    await rename(folder, half);
    await rm(join(half, settingsFile));
    await utimes(half, longAgo, longAgo);
    await cubes(folder, all);
    expect(await readdir(root)).toEqual(['parts']);
    const parts = await PartFolder.open(folder, { count: items, types, settings, settingsFile });
    await parts.remove();
    expect(await readdir(root)).toEqual([]);
  });

  it('reads the row of an item, and the parts in order', async () => {
    const folder = join(await temporaryFolder(), 'parts');
    await cubes(folder, all);
    const parts = await PartFolder.open(folder, { count: items, types, settings, settingsFile });
    const { shape, bytes } = await parts.read(9, 'value');
    expect([shape, new Int32Array(bytes.buffer)]).toEqual([[], Int32Array.of(729)]);
    const starts: number[] = [];
    for await (const { start } of parts.contents()) starts.push(start);
    expect(starts).toEqual(Array.from({ length: 13 }, (_, k) => 4 * k));
    await rm(join(folder, '000004-000007.safetensors'));
    const readAgain = async () => {
      for await (const { start } of parts.contents()) starts.push(start);
    };
    await expect(readAgain()).rejects.toThrow('000004-000007.safetensors');
    await expect(parts.read(50, 'value')).rejects.toThrow('expected an item of a finished part, got 50');
  });

  it('refuses other settings, parts of another run and other folders', async () => {
    const root = await temporaryFolder();
    const [folder, other] = [join(root, 'a'), join(root, 'b')];
    await cubes(folder, all);
    const options = { count: items, types, settings: { seed: 8 }, settingsFile };
    await expect(PartFolder.open(folder, options)).rejects.toThrow(
      `expected 'seed' 7 as in '${join(folder, settingsFile)}', the settings of earlier work, got 8. Pass the same settings to resume`,
    );
    await expect(PartFolder.open(root, options)).rejects.toThrow(`Move '${root}' away.`);
    await PartFolder.open(other, options).then((parts) =>
      parts.add({ start: 0, count: 1 }, { value: int32([1], [0]) }),
    );
    await writeFile(
      join(other, '000004-000007.safetensors'),
      await readFile(join(folder, '000004-000007.safetensors')),
    );
    await expect(PartFolder.open(other, options)).rejects.toThrow(
      /expected a shard of the run sha256:\w+, .* Move it away\./,
    );
  });
});
