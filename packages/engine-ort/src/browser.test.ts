import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundle } from '@dpar/config/bundle';
import { findChromium, launchChromium, softwareWebGpu } from '@dpar/config/chromium';
import { serve } from '@dpar/config/serve';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { conformanceCases } from '@dpar/tensor/conformance';
import { expect, it } from 'vitest';
import { differentInSwiftShader } from './testing/swiftshader.js';

const chromium = findChromium();
if (chromium === undefined) {
  process.stderr.write('engine-ort: no Chromium found (CHROMIUM_PATH names one): the test in a browser is left out.\n');
}

/** Of how many cases one runs, beside all that are listed. `DPAR_ALL_CASES=1` runs all. */
const every = process.env.DPAR_ALL_CASES ? 1 : 32;

it.skipIf(chromium === undefined)('onnxruntime-web on WebGPU in Chromium', { timeout: 600_000 }, async () => {
  const folder = await temporaryFolder();
  await bundle(new URL('testing/page.ts', import.meta.url), folder, 'browser');
  await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="program.mjs"></script>');
  const ort = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const { url } = await serve({ page: folder, ort });
  const names = conformanceCases().map(({ name }) => name);
  const chosen = names.flatMap((name, i) => (i % every === 0 || differentInSwiftShader.includes(name) ? [i] : []));
  const browser = await launchChromium(chromium as string, softwareWebGpu);
  try {
    const page = await browser.newPage();
    await page.goto(`${url}/page/index.html`);
    await page.waitForFunction('globalThis.runCases');
    const mismatches = (await page.evaluate(`runCases(${JSON.stringify(chosen)})`)) as Record<string, string>;
    const found = Object.keys(mismatches);
    const others = found.filter((name) => !differentInSwiftShader.includes(name));
    expect(Object.fromEntries(others.map((name) => [name, mismatches[name]]))).toEqual({});
    const alike = differentInSwiftShader.filter((name) => !found.includes(name));
    if (alike.length > 0)
      console.warn(`[webgpu] Pass, although testing/swiftshader.ts lists them: ${alike.join('; ')}.`);
    expect(differentInSwiftShader.filter((name) => !names.includes(name))).toEqual([]);
  } finally {
    await browser.close();
  }
});
