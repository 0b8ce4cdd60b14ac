import { findChromium, launchChromium } from '@dpar/config/chromium';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import type { EmojiModel } from '@dpar/emoji';
import { loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { pearsonCorrelation } from '@dpar/entropy';
import { patchLengths } from '@dpar/patchify';
import { createSampler } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sameStarts } from './model/agreement.js';
import { createAnalyser, loadAnalysts } from './model/analyser.js';
import { entropyCost, wholeCost } from './model/costs.js';
import { countCosts } from './model/count-costs.js';
import { sampleOptions } from './model/drawing.js';
import { patchingBy } from './model/entropy-source.js';
import { figure, firstMap, takePicture, visit } from './testing/browser.js';
import { withHead, withoutHead } from './testing/heads.js';
import { openModel } from './testing/open-model.js';
import { servedPage, writeModelFolder } from './testing/page-of.js';
import { sampleFile } from './testing/sample-file.js';

const soon = <V>(read: () => V | Promise<V>) => expect.poll(read, { timeout: 60_000, interval: 100 });
const chromium = findChromium();

describe.skipIf(chromium === undefined)('the boundary head on the page', { timeout: 240_000 }, () => {
  let browser: Browser;
  let engine: Engine;
  let shipped: EmojiModel;
  /** Files of weights that the page has loaded. */
  const weights = new Set<string>();

  beforeAll(async () => {
    browser = await launchChromium(chromium as string);
    engine = await createOrtEngine();
    shipped = await loadEmojiModel();
  });
  afterAll(async () => {
    await browser?.close();
    await engine?.dispose();
  });

  /** Opens the page with another DPAR, and looks at complaints when `act` is done. */
  async function at(model: EmojiModel, act: (page: Page) => Promise<void>, options: BrowserContextOptions = {}) {
    weights.clear();
    const { classes, ...parts } = model;
    const folder = await temporaryFolder();
    await writeModelFolder(folder, parts, classes);
    const server = await servedPage(folder);
    // A service worker would load all weights.
    const settings = { serviceWorkers: 'block', ...options } as const;
    const { context, page, complaints } = await visit(browser, server.url, settings, async (context) => {
      context.on('response', (response) => {
        if (response.url().endsWith('.safetensors')) weights.add(response.url());
      });
    });
    await firstMap(page);
    await act(page);
    expect(complaints).toEqual(['Service Worker registration blocked by Playwright']);
    await context.close();
    await server.close();
  }

  const compare = (page: Page) => page.getByLabel('Compare with the entropy model');

  it('makes the patches, and is compared with the entropy model on request', async () => {
    const model = withHead(shipped);
    const image = sharp(sampleFile('lion')).flatten({ background: '#fff' }).toColourspace('srgb');
    const lion = await image.clone().png().toBuffer();
    const pixels = await image.raw().toBuffer();
    const { tokenizer, dpar, entropy } = model;
    const { config } = dpar;
    const { entropies } = await createAnalyser(engine, await loadAnalysts(openModel(model))).analyse(pixels);
    const { entropies: reference } = await createAnalyser(engine, { tokenizer, predictor: entropy }).analyse(pixels);
    const correlation = pearsonCorrelation(entropies, reference);
    const patching = { head: patchingBy('head', config), entropy: patchingBy('entropy', config) };
    const starts = sameStarts({ entropies, reference: { entropies: reference, correlation } }, patching) ?? 0;
    const byHead = patchLengths(entropies, patchingBy('head', config)).length;
    const byEntropyModel = patchLengths(reference, patchingBy('entropy', config)).length;
    expect(byHead).not.toBe(byEntropyModel);
    await at(model, async (page) => {
      await page.setInputFiles('input[type=file]', { name: 'lion.png', mimeType: 'image/png', buffer: lion });
      await soon(() => figure(page, 'patches')).toBe(`${byHead}`);
      await takePicture(page, 'head-look');
      // The tokenizer, DPAR and LlamaGen. The weights of the entropy model come with the comparison.
      await soon(() => weights.size).toBe(3);
      await compare(page).check();
      await soon(() => figure(page, 'correlation')).toBe(correlation.toFixed(2).replace('-', '\u2212'));
      expect(weights.size).toBe(4);
      expect(await figure(page, 'agreement')).toBe(`${(100 * starts).toFixed(1)}%`);
      expect(await figure(page, 'patches')).toBe(`${byHead}`);
      await takePicture(page, 'head-compared');
      await page.getByRole('button', { name: 'Entropy model' }).click();
      await soon(() => figure(page, 'patches')).toBe(`${byEntropyModel}`);
      await page.locator('canvas[data-canvas=reference]').focus();
      await page.keyboard.press('ArrowRight');
      const nats = (values: Float32Array): string => `${(values[0] as number).toFixed(2)}\\snats`;
      await soon(() => page.locator('#token-readout').textContent()).toMatch(
        new RegExp(`entropy ${nats(entropies)}\\s*entropy model ${nats(reference)}`),
      );
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => (globalThis as unknown as TestWindow).axe.run());
      expect(violations.map(({ id, nodes }) => `${id} at ${nodes[0]?.target}`)).toEqual([]);
      await compare(page).uncheck();
      await soon(() => figure(page, 'patches')).toBe(`${byHead}`);
    });
  });

  it('draws without the entropy model, and its operations are counted', async () => {
    const model = withHead(shipped);
    await at(model, async (page) => {
      await page.getByRole('tab', { name: 'Compare' }).click();
      await page.getByRole('button', { name: 'Compare', exact: true }).click();
      await page.getByText('Finished').waitFor();
      const options = { label: 0, guidanceScale: 1.5, temperature: 1, topP: 0.98, seed: 1, prefix: new Int32Array() };
      const { patchLengths: lengths } = await createSampler(engine, model.dpar).generate(sampleOptions(options));
      const patches = lengths[0]?.length ?? 0;
      expect(await figure(page, 'dpar-steps')).toBe(`${patches}`);
      expect(weights.size).toBe(3);
      const { tokenizer, dpar, entropy, llamagen } = model;
      const configs = { tokenizer, dpar: dpar.config, entropy: entropy.config, llamagen: llamagen.config };
      const costs = countCosts(configs);
      const millions = (operations: number): string => `${(operations / 1e6).toFixed(0)} M`;
      expect(await figure(page, 'dpar-head-operations')).toBe(millions(entropyCost(costs)));
      const operations = wholeCost(costs, 'dpar', { patches, isGuided: true });
      expect(await figure(page, 'dpar-operations')).toBe(millions(operations));
      expect(await figure(page, 'dpar-all-operations')).toBe(millions(operations));
      expect(await figure(page, 'dpar-all-runs')).toBe(`${256 + 255 + patches + 1}`);
      expect(await figure(page, 'time-explained')).toContain(`${256 + 255 + patches} times`);
      await takePicture(page, 'head-compare-tab');
    });
  });

  it('fits a phone', async () => {
    const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
    await at(
      withHead(shipped),
      async (page) => {
        await compare(page).check();
        await soon(() => figure(page, 'agreement')).toContain('%');
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
        await takePicture(page, 'head-phone');
      },
      phone,
    );
  });

  it('is not mentioned for a model without one', async () => {
    await at(withoutHead(shipped), async (page) => {
      for (const tab of ['look', 'generate', 'compare']) {
        await page.locator(`#tab-${tab}`).click();
        await page.locator(`#panel-${tab} .workbench`).waitFor();
        expect(await page.locator('main').textContent()).not.toMatch(/boundary head/i);
      }
      expect(await compare(page).count()).toBe(0);
    });
  });
});

/** Globals of the page for scripts of these tests. */
interface TestWindow {
  readonly axe: { run(): Promise<{ violations: readonly { id: string; nodes: readonly { target: unknown }[] }[] }> };
}
