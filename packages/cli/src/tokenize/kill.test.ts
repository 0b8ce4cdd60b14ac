import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bundle } from '@dpar/config/bundle';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { formatNpz } from '@dpar/io';
import { createRandom } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { tokenizerFolder } from '../testing/sampling.js';

const images = 96; // 12 parts

/** Visible files below a folder and what they hold. A kill may leave hidden files that were being written. */
async function contentsOf(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const visible = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  const paths = visible.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(
    await Promise.all(paths.map(async (path) => [path.slice(folder.length), await readFile(path)] as const)),
  );
}

it('tokens are the same bytes after SIGKILLs, of parts in any order', { timeout: 180_000 }, async () => {
  const [folder, tokenizer] = [await temporaryFolder(), await tokenizerFolder()];
  const program = await bundle(new URL('../testing/tokenize-process.ts', import.meta.url), folder);
  const random = createRandom(31, 0);
  const input = join(folder, 'images.npz');
  const pixels = Uint8Array.from({ length: images * 768 }, () => random.integer(256));
  await writeFile(input, formatNpz({ arr_0: { dtype: 'U8', shape: [images, 16, 16, 3], bytes: pixels } }));
  const start = (output: string, layout: string, index: number, count: number) => {
    const argv = [program, tokenizer, input, output, layout, String(index), String(count)];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
    return { child, end: new Promise<number | null>((resolve) => child.on('close', resolve)) };
  };
  let midway = 0;
  for (const layout of ['shards', 'llamagen']) {
    const whole = join(folder, `${layout}-whole`);
    expect(await start(whole, layout, 0, 1).end).toBe(0);
    const expected = await contentsOf(whole);
    const output = join(folder, layout);
    for (const index of random.permutation(3)) {
      const files = async () => (await contentsOf(output).catch(() => new Map())).size;
      const before = await files();
      const { child, end } = start(output, layout, index, 3);
      const wanted = before + random.integer(3);
      while (child.exitCode === null && (await files()) < wanted) await setTimeout(1);
      await setTimeout(random.integer(40));
      child.kill('SIGKILL');
      await end;
      const after = await files();
      if (after > before && after < expected.size) midway++;
      expect(await start(output, layout, index, 3).end).toBe(0);
    }
    const found = await contentsOf(output);
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const [path, bytes] of expected) expect(found.get(path)?.equals(bytes), path).toBe(true);
  }
  expect(midway).toBeGreaterThan(1);
});
