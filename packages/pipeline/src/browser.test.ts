import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundle } from '@dpar/config/bundle';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import { serve } from '@dpar/config/serve';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder } from '@dpar/emoji/node';
import { expect, it } from 'vitest';
import { loadPipeline } from './disk/load-pipeline.js';

const chromium = findChromium();
if (chromium === undefined) {
  process.stderr.write('pipeline: no Chromium found (CHROMIUM_PATH names one): the test in a browser is left out.\n');
}

interface Drawn {
  readonly tokens: number[];
  readonly bytes: number[];
  readonly again: number[];
  readonly entropies: number[];
  readonly imageData: string;
}

it.skipIf(chromium === undefined)('a bundle in Chromium draws what Node draws', { timeout: 240_000 }, async () => {
  const folder = await temporaryFolder();
  await bundle(new URL('testing/page.ts', import.meta.url), folder, 'browser');
  await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="program.mjs"></script>');
  const ort = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const { url } = await serve({ page: folder, model: emojiFolder, ort });
  const browser = await launchChromium(chromium as string);
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`${url}/page/index.html`);
    const drawn = (await page.evaluate('globalThis.drawn')) as Drawn;
    expect(errors).toEqual([]);
    const pipeline = await loadPipeline('@dpar/emoji');
    const images = await pipeline.generate({ class: 'Flags', seed: 6 });
    expect(drawn.tokens).toEqual([...images.tokens]);
    expect(drawn.bytes).toEqual([...images.bytes]);
    // Pixels, bytes of a file and a blob are the same image.
    const T = images.tokens.length;
    const tokens = drawn.again.slice(0, T);
    expect(drawn.again).toEqual([tokens, tokens, tokens].flat());
    // Of two codes for almost the same white, rounding decides.
    const { tokens: again } = await pipeline.reconstruct(images);
    expect(tokens.filter((token, i) => token === again[i]).length).toBeGreaterThan(0.95 * T);
    expect(drawn.imageData).toBe('[object ImageData]');
    const map = await pipeline.entropyMap(images);
    const alike = tokens.findIndex((token, i) => token !== again[i]);
    expect(alike).not.toBe(0);
    for (const [i, value] of map.entropies.slice(0, alike < 0 ? T : alike).entries())
      expect(drawn.entropies[i]).toBeCloseTo(value, 4);
    await pipeline.dispose();
  } finally {
    await browser.close();
  }
});
