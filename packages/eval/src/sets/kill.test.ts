import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bundle } from '@dpar/config/bundle';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { pixelsOf, randomImages } from '@dpar/fixtures';
import { formatNpz } from '@dpar/io';
import { createRandom } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { partsFolder } from './extract-file.js';

const images = 3000; // 6 parts

it('ends with the same bytes after a SIGKILL at any of 12 random moments', { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder();
  const program = await bundle(new URL('../testing/extract-process.ts', import.meta.url), folder);
  const input = join(folder, 'images.npz');
  const arr_0 = { dtype: 'U8' as const, shape: [images, 2, 2, 3], bytes: pixelsOf(randomImages(images, 1, 2, 2)) };
  await writeFile(input, formatNpz({ arr_0 }, { compress: true }));
  const start = (output: string) => {
    const child = spawn(process.execPath, [program, input, output], { stdio: ['ignore', 'ignore', 'inherit'] });
    const end = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { child, end };
  };
  const whole = join(folder, 'whole.npz');
  expect(await start(whole).end).toBe(0);
  const expected = await readFile(whole);

  const random = createRandom(12, 0);
  let kept = 0;
  for (let i = 0; i < 12; i++) {
    const place = join(folder, `kill-${i}`);
    await mkdir(place);
    const output = join(place, 'features.npz');
    const { child, end } = start(output);
    const partsBefore = random.integer(5);
    const names = async () => (await readdir(partsFolder(output)).catch(() => [])).filter((name) => /^\d/.test(name));
    while (child.exitCode === null && (await names()).length < partsBefore) await setTimeout(1);
    await setTimeout(random.integer(30));
    child.kill('SIGKILL');
    await end;
    if ((await names()).length > 0) kept++;
    expect(await start(output).end).toBe(0);
    expect(Buffer.compare(await readFile(output), expected)).toBe(0);
    expect(await readdir(place)).toEqual(['features.npz']);
  }
  expect(kept).toBeGreaterThan(3);
});
