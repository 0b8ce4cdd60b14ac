import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import type { EmojiModel } from '@dpar/emoji';
import { emojiFolder, loadEmojiModel } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { patchLengths, patchStatistics } from '@dpar/patchify';
import { createSampler, needsEntropyModel } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtPage } from './built-page.js';
import { type Analyser, type Analysis, createAnalyser, loadAnalysts } from './model/analyser.js';
import { entropyCost, llamaGenCost, operationSaving, savingWithoutEntropies } from './model/costs.js';
import { countCosts } from './model/count-costs.js';
import { type DrawOptions, sampleOptions } from './model/drawing.js';
import { drawingSource, patchingBy } from './model/entropy-source.js';
import { servePage } from './node/serve-page.js';
import { contentSecurityPolicy } from './security.js';
import { brokenNumbers, figure, firstMap, takePicture, type Visit, visit } from './testing/browser.js';
import { openModel } from './testing/open-model.js';
import { servedPage, type TestPage } from './testing/page-of.js';
import { sampleClass, sampleFile } from './testing/sample-file.js';

/** Expects a value of the page after some time, which busy machines need. */
const soon = <V>(read: () => V | Promise<V>) => expect.poll(read, { timeout: 60_000, interval: 100 });

const chromium = findChromium();

if (!existsSync(builtPage))
  throw new Error(`playground: expected the built page in '${builtPage}'. Run: npm run build`);
if (chromium === undefined) {
  process.stderr.write(
    'playground: no Chromium found (CHROMIUM_PATH names one): the tests in a browser are left out.\n',
  );
}

let server: TestPage;
beforeAll(async () => {
  server = await servedPage(emojiFolder, true);
});
afterAll(() => server?.close());

it('has files of less than 10 MB in all, as servers send them', () => {
  const { folder } = server;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => !file.endsWith('.br'));
  const bytes = files
    .map((file) => join(folder, file))
    .filter((path) => statSync(path).isFile())
    .reduce((sum, path) => sum + statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size, 0);
  expect(bytes).toBeLessThan(10e6);
  // The WebAssembly of graphics processors alone has more.
  expect(bytes).toBeGreaterThan(5e6);
});

it('says its security policy in the page itself, for servers that send no headers', () => {
  const html = readFileSync(join(server.folder, 'index.html'), 'utf8');
  expect(html.replaceAll('&#39;', "'")).toContain(contentSecurityPolicy);
  expect(contentSecurityPolicy).not.toMatch(/unsafe-inline|'unsafe-eval'/);
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
});

describe.skipIf(chromium === undefined)('the page in Chromium', { timeout: 240_000 }, () => {
  let browser: Browser;
  let visitor: Visit;
  let page: Page;
  let model: EmojiModel;
  let engine: Engine;
  /** Patches of the first sample. */
  let samplePatches: string;
  /** The same picture without transparency, which browsers and other programs blend with differences of rounding. */
  let lion: Buffer;
  /** The same image by the models in Node. */
  let analysis: Analysis;

  beforeAll(async () => {
    browser = await launchChromium(chromium as string);
    visitor = await visit(browser, server.url, { acceptDownloads: true });
    page = visitor.page;
    model = await loadEmojiModel();
    engine = await createOrtEngine();
    const flat = sharp(sampleFile('lion')).flatten({ background: '#fff' }).toColourspace('srgb');
    lion = await flat.clone().png().toBuffer();
    const analyser = await newAnalyser();
    analysis = await analyser.analyse(await flat.raw().toBuffer());
    await analyser.dispose();
    await firstMap(page);
    samplePatches = await figure(page, 'patches');
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await engine?.dispose();
  });

  const newAnalyser = async (): Promise<Analyser> => createAnalyser(engine, await loadAnalysts(openModel(model)));
  const patching = () => patchingBy(drawingSource(model.dpar.config), model.dpar.config);

  const statistics = (threshold: number, maxPatchLength: number) =>
    patchStatistics([patchLengths(analysis.entropies, { ...patching(), threshold, maxPatchLength })]);

  const setSlider = (name: string, value: number) => page.getByRole('slider', { name }).fill(String(value));

  /** Drops a file on the page. */
  const drop = (name: string, bytes: Uint8Array) =>
    page.evaluate(
      ([name, bytes]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
      },
      [name, [...bytes]] as const,
    );

  it('is isolated, so that threads are there', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await figure(page, 'engine')).toMatch(/^onnxruntime-web 1\.\d+\.\d+ \(cpu, 1 thread\)$/);
  });

  it('takes a file that is dropped', async () => {
    await drop('lion.png', lion);
    await soon(() => page.locator('figure h3').first().textContent()).toBe('lion.png');
    expect(await page.getByRole('alert').isVisible()).toBe(false);
  });

  it('shows photographs upright', async () => {
    // Stored on its side, as cameras write what they take on end.
    const turned = await sharp(lion).rotate(270).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const analyser = await newAnalyser();
    const pixels = (image: Sharp) => image.toColourspace('srgb').raw().toBuffer();
    const upright = await analyser.analyse(await pixels(sharp(turned).rotate()));
    const sideways = await analyser.analyse(await pixels(sharp(turned)));
    await analyser.dispose();
    const count = ({ entropies }: Analysis) => patchLengths(entropies, patching()).length;
    expect(count(upright)).not.toBe(count(sideways));
    await drop('turned.jpg', turned);
    await soon(() => figure(page, 'patches')).toBe(`${count(upright)}`);
    await drop('lion.png', lion);
    await soon(() => page.locator('figure h3').first().textContent()).toBe('lion.png');
  });

  it('makes the patches of @dpar/patchify, wherever the sliders stand', async () => {
    const { threshold, maxPatchLength } = patching();
    const settings = [
      [threshold as number, maxPatchLength as number],
      [0.5, 4],
      [3, 4],
      [3, 16],
      [6, 16],
      [0, 1],
    ] as const;
    const counts = new Set<number>();
    const { tokenizer, dpar, entropy, llamagen } = model;
    const configs = { tokenizer, dpar: dpar.config, entropy: entropy.config, llamagen: llamagen.config };
    const costs = countCosts(configs);
    for (const [nats, longest] of settings) {
      if (nats !== threshold) {
        await setSlider('Threshold', nats);
        await setSlider('Longest patch', longest);
      }
      const { patches, meanLength } = statistics(nats, longest);
      await soon(() => figure(page, 'patches')).toBe(`${patches}`);
      expect(await figure(page, 'mean-length')).toBe(meanLength.toFixed(2));
      const percent = (share: number) => `${(100 * share).toFixed(1)}%`.replace('-', '\u2212');
      const saving = operationSaving(costs, { patches, isGuided: false });
      expect(await figure(page, 'saving')).toBe(percent(saving));
      const withoutEntropies = savingWithoutEntropies(costs, patches);
      expect(await figure(page, 'saving-without-entropy')).toBe(percent(withoutEntropies));
      expect(withoutEntropies - saving).toBeCloseTo(entropyCost(costs) / llamaGenCost(costs, false), 12);
      counts.add(patches);
    }
    expect(counts.size).toBe(settings.length);
    await page.getByRole('button', { name: 'Reset to' }).click();
    await soon(() => figure(page, 'patches')).toBe(`${statistics(threshold as number, 4).patches}`);
  });

  it('tells about tokens under the mouse and at the keyboard', async () => {
    const canvas = page.locator('canvas[data-canvas=entropy]');
    const box = (await canvas.boundingBox()) as { x: number; y: number; width: number; height: number };
    await page.mouse.move(box.x + (box.width * 8.5) / 16, box.y + (box.height * 5.5) / 16);
    const readout = page.locator('#token-readout');
    const said = (token: number) =>
      new RegExp(
        `Token ${token}\\s*row ${Math.floor(token / 16) + 1}, column ${(token % 16) + 1}\\s*code ${analysis.tokens[token]}` +
          `\\s*entropy ${(analysis.entropies[token - 1] as number).toFixed(2)}\\snats\\s*patch \\d+ of \\d+`,
      );
    await soon(() => readout.textContent()).toMatch(said(88));
    await canvas.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await soon(() => readout.textContent()).toMatch(said(105));
  });

  it('goes on after a file that is no image', async () => {
    const before = await figure(page, 'patches');
    await drop('broken.png', lion.subarray(0, 60));
    await soon(() => page.getByRole('alert').textContent()).toContain("'broken.png' is not an image");
    expect(await figure(page, 'patches')).toBe(before);
    await takePicture(page, 'problem');
    await drop('rose.png', readFileSync(sampleFile('rose')));
    await soon(() => figure(page, 'patches')).not.toBe(before);
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    await drop('lion.png', lion);
    await soon(() => figure(page, 'patches')).toBe(before);
  });

  it('analyses what is drawn, with the mouse or the keyboard', async () => {
    const name = page.locator('figure h3').first();
    await page.getByRole('button', { name: 'Draw' }).click();
    await soon(() => name.textContent()).toBe('Your drawing');
    const patches = () => figure(page, 'patches').then(Number);
    await soon(patches).toBeLessThan(80); // a white sheet is easy to predict
    const blank = await patches();
    const canvas = page.locator('canvas[data-canvas=picture]');
    const box = (await canvas.boundingBox()) as { x: number; y: number; width: number; height: number };
    await page.mouse.move(box.x + 0.2 * box.width, box.y + 0.2 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.8 * box.width, box.y + 0.6 * box.height, { steps: 8 });
    await page.mouse.up();
    await soon(patches).toBeGreaterThan(blank);
    await page.getByRole('button', { name: 'Clear' }).click();
    await soon(patches).toBe(blank);
    await canvas.focus();
    for (let i = 0; i < 7; i++) for (const key of ['ArrowDown', 'ArrowRight', ' ']) await page.keyboard.press(key);
    await soon(patches).toBeGreaterThan(blank);
    await page.getByRole('button', { name: 'Lion' }).click();
    await soon(() => figure(page, 'patches')).toBe(samplePatches);
    await drop('lion.png', lion);
  });

  /** Tokens that Node draws. Seeded draws differ only where a random number falls within 1e-6 of a bound between tokens. */
  async function drawInNode(options: DrawOptions) {
    const entropyModel = needsEntropyModel(model.dpar) ? model.entropy : undefined;
    const sampler = createSampler(engine, model.dpar, { entropyModel });
    const result = await sampler.generate(sampleOptions(options));
    await sampler.dispose();
    return result;
  }

  /** Tokens of the last generation and lengths of its patches, as the page writes them. */
  const generation = async () => {
    const text = (await page.locator('[data-figure=codes]').textContent()) as string;
    const patches = text.split('|').map((patch) => patch.trim().split(' ').map(Number));
    return { tokens: patches.flat(), patchLengths: patches.map(({ length }) => length) };
  };

  it('draws the tokens that Node draws, also after a stop', async () => {
    const flags = sampleClass('Flag of Morocco');
    await page.getByRole('tab', { name: 'Generate' }).click();
    await page.getByLabel('Class').selectOption(flags);
    await page.getByLabel('Seed').fill('7');
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await soon(() => figure(page, 'tokens').then(Number)).toBeGreaterThan(20);
    await page.getByRole('button', { name: 'Stop' }).click();
    await soon(() => page.getByRole('status').first().textContent()).toMatch(/^Stopped after \d+ of 256\stokens$/);
    const stopped = await figure(page, 'tokens');
    expect(Number(stopped)).toBeLessThan(256);
    await takePicture(page, 'generate-stopped');
    await page.waitForTimeout(300);
    expect(await figure(page, 'tokens')).toBe(stopped);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Finished').waitFor();
    const { classes } = model;
    const options = { label: classes.indexOf(flags), guidanceScale: 1.5, temperature: 1, topP: 0.98, seed: 7 };
    const expected = await drawInNode({ ...options, prefix: new Int32Array() });
    const { tokens, patchLengths } = await generation();
    expect(tokens).toEqual([...expected.tokens]);
    expect(patchLengths).toEqual([...(expected.patchLengths[0] as Int32Array)]);
    expect(await figure(page, 'patches')).toBe(`${expected.patchLengths[0]?.length}`);
    expect(Number(await figure(page, 'speed'))).toBeGreaterThan(0);
  });

  it('saves the image as a PNG', async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download PNG' }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^dpar-\d+-7\.png$/);
    const { format, width, height } = await sharp(await download.path()).metadata();
    expect({ format, width, height }).toEqual({ format: 'png', width: 512, height: 512 });
  });

  it('completes a picture whose lower part is erased', async () => {
    await page.getByRole('button', { name: 'Complete a picture' }).click();
    await setSlider('Erased from row', 6);
    await takePicture(page, 'generate-erased');
    const canvas = page.locator('canvas[data-canvas=generation]');
    const box = (await canvas.boundingBox()) as { x: number; y: number; width: number; height: number };
    await page.mouse.move(box.x + box.width / 2, box.y + (box.height * 6) / 16);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + (box.height * 10) / 16, { steps: 4 });
    await page.mouse.up();
    await page.getByLabel('Class').selectOption(sampleClass('Lion'));
    await page.getByRole('button', { name: 'Complete', exact: true }).click();
    await page.getByText('Finished').waitFor();
    await takePicture(page, 'generate-completed');
    const { tokens } = await generation();
    expect(tokens.slice(0, 160)).toEqual([...analysis.tokens.slice(0, 160)]);
    const label = model.classes.indexOf(sampleClass('Lion'));
    const options = {
      label,
      guidanceScale: 1.5,
      temperature: 1,
      topP: 0.98,
      seed: 7,
      prefix: analysis.tokens.slice(0, 160),
    };
    expect(tokens).toEqual([...(await drawInNode(options)).tokens]);
  });

  it('compares with LlamaGen', async () => {
    await page.getByRole('tab', { name: 'Compare' }).click();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByText('Finished').waitFor();
    expect(await figure(page, 'dpar-tokens')).toBe('256');
    expect(Number(await figure(page, 'dpar-steps'))).toBeLessThan(256);
    expect(await figure(page, 'dpar-time')).toMatch(/^\d+\.\d\d s$/);
    expect(await figure(page, 'llamagen-steps')).toBe('256');
  });

  it('has the same patches with two threads', async () => {
    await page.getByLabel('Threads').selectOption('2');
    await soon(() => figure(page, 'engine')).toContain('2 threads');
    await page.getByRole('tab', { name: 'Look' }).click();
    const { threshold, maxPatchLength } = patching();
    const { patches } = statistics(threshold as number, maxPatchLength as number);
    await drop('lion.png', lion);
    await soon(() => figure(page, 'patches')).toBe(`${patches}`);
  });

  it.each(['light', 'dark'] as const)('is accessible in %s colours', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    for (const tab of ['look', 'generate', 'compare', 'train']) {
      await page.locator(`#tab-${tab}`).click();
      await page.locator(`#panel-${tab} .workbench`).waitFor();
      // Scripts of the driver are not subject to the page's policy, which forbids scripts from text.
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => (globalThis as unknown as TestWindow).axe.run());
      expect(violations.map(({ id, nodes }) => `${tab}: ${id} at ${nodes[0]?.target}`)).toEqual([]);
      await takePicture(page, `${tab}-${colorScheme}`);
    }
  });

  it('asked no other server, and left no complaint in the console', () => {
    expect(visitor.external).toEqual([]);
    expect(visitor.complaints).toEqual([]);
  });

  it('changes its theme by a button, and keeps it', async () => {
    const { context, page } = await visit(browser, server.url, { colorScheme: 'light' });
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await background();
    await page.getByRole('button', { name: 'Use the dark theme' }).click();
    await soon(background).not.toBe(light);
    const dark = await background();
    await page.reload();
    await soon(background).toBe(dark);
    await context.close();
  });

  it('fits a phone', async () => {
    const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
    const { context, page, complaints } = await visit(browser, server.url, phone);
    await firstMap(page);
    for (const tab of ['look', 'generate', 'compare', 'train']) {
      await page.locator(`#tab-${tab}`).tap();
      await page.locator(`#panel-${tab} .workbench`).waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await takePicture(page, `${tab}-phone`);
      for (const width of [1280, 768, 390, 360]) {
        await page.setViewportSize({ width, height: 740 });
        expect(await brokenNumbers(page)).toEqual([]);
      }
    }
    await page.locator('#tab-look').tap();
    await page.locator('canvas[data-canvas=picture]').tap();
    await soon(() => page.locator('#token-readout').textContent()).toMatch(/Token \d+/);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('works without a network after the first visit, and gets threads on a server without headers', async () => {
    const plain = await servePage(server.folder, { headers: false });
    const { context, page, complaints } = await visit(browser, plain.url);
    try {
      await firstMap(page);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
      await page.locator('[data-figure=offline]').waitFor();
    } finally {
      await plain.close();
    }
    await page.reload();
    await firstMap(page);
    expect(await figure(page, 'patches')).toBe(samplePatches);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('says so when the model cannot be loaded', async () => {
    const context = await browser.newContext();
    await context.route('**/*.safetensors', (route) => route.abort());
    const page = await context.newPage();
    await page.goto(server.url);
    await page.getByRole('heading', { name: 'The model could not be loaded' }).waitFor();
    await takePicture(page, 'no-model');
    await context.close();
  });
});

/** Globals of the page for scripts of these tests. */
interface TestWindow {
  readonly axe: { run(): Promise<{ violations: readonly { id: string; nodes: readonly { target: unknown }[] }[] }> };
}
