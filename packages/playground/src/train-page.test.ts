import { readFileSync } from 'node:fs';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import { parseSafetensors } from '@dpar/io';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figure, firstMap, takePicture, type Visit, visit } from './testing/browser.js';
import { servedPage, type TestPage } from './testing/page-of.js';
import { sampleClass, sampleFile, titleOf } from './testing/sample-file.js';

const soon = <V>(read: () => V | Promise<V>) => expect.poll(read, { timeout: 60_000, interval: 100 });
const chromium = findChromium();

describe.skipIf(chromium === undefined)('the part of the page that trains', { timeout: 240_000 }, () => {
  let browser: Browser;
  let server: TestPage;
  let visitor: Visit;
  let page: Page;
  /** Programs that the page has asked for. */
  const programs: string[] = [];

  beforeAll(async () => {
    server = await servedPage();
    browser = await launchChromium(chromium as string);
    // A service worker would load all programs.
    const options = { acceptDownloads: true, serviceWorkers: 'block' } as const;
    visitor = await visit(browser, server.url, options, async (context) => {
      context.on('request', (request) => {
        if (request.url().endsWith('.js')) programs.push(request.url());
      });
    });
    page = visitor.page;
    await firstMap(page);
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const drop = (files: readonly (readonly [name: string, bytes: Uint8Array])[]) =>
    page.evaluate(
      (files) => {
        const transfer = new DataTransfer();
        for (const [name, bytes] of files)
          transfer.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
      },
      files.map(([name, bytes]) => [name, [...bytes]] as const),
    );
  const flag = (name: string) => [`${name}.png`, readFileSync(sampleFile(`flag-of-${name}`))] as const;
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const flags = sampleClass('Flag of Morocco');
  const status = () => figure(page, 'training-status');

  /** Tokens that the page draws with its settings. */
  const generated = async (): Promise<string> => {
    await page.getByRole('tab', { name: 'Generate' }).click();
    await button('Generate').click();
    // The run before has finished too.
    await button('Stop').waitFor();
    await page.getByText('Finished').waitFor();
    return (await page.locator('[data-figure=codes]').textContent()) ?? '';
  };

  it('loads its program only when it is shown', async () => {
    const first = [...programs];
    await page.getByRole('tab', { name: 'Train' }).click();
    await page.locator('#panel-train .workbench').waitFor();
    expect(programs.length).toBeGreaterThan(first.length);
    expect(await status()).toBe('Add pictures first');
    expect(await button('Fine-tune').getAttribute('aria-disabled')).toBe('true');
  });

  it('takes several pictures at once, says which are none, and gives them back', async () => {
    await drop([flag('morocco'), ['broken.png', Uint8Array.of(1, 2, 3)], flag('australia')]);
    await soon(() => figure(page, 'pictures')).toBe('2 pictures');
    expect(await page.getByRole('alert').textContent()).toContain("'broken.png' is not an image");
    await button('Lion').click();
    await soon(() => figure(page, 'pictures')).toBe('3 pictures');
    await button('Remove Lion').click();
    await soon(() => figure(page, 'pictures')).toBe('2 pictures');
    expect(await page.getByRole('alert').isVisible()).toBe(false);
  });

  it('trains, stops, draws with the trained weights, and goes back to its own', async () => {
    await page.getByRole('tab', { name: 'Generate' }).click();
    await page.getByLabel('Class').selectOption(flags);
    const own = await generated();
    await page.getByRole('tab', { name: 'Train' }).click();
    await button('Fine-tune').click();
    await soon(() => figure(page, 'training-step').then(Number.parseInt)).toBeGreaterThanOrEqual(4);
    expect(await status()).toBe(`Training. Class: ${titleOf(flags)}.`);
    await button('Stop').click();
    await soon(status).toMatch(/^Stopped after \d+ of 60 steps\./);
    expect(await status()).toContain(`Class: ${titleOf(flags)}.`);
    expect(Number(await figure(page, 'training-speed'))).toBeGreaterThan(0);
    // As many points as steps, in both lines.
    const steps = Number.parseInt(await figure(page, 'training-step'), 10);
    const line = await page.locator('.chart path.raw').getAttribute('d');
    expect(line?.match(/[ML]/g)).toHaveLength(steps);
    await takePicture(page, 'train-stopped');

    await button('Use this model').click();
    await soon(status).toContain('In use');
    const tuned = await generated();
    expect(tuned).not.toBe(own);
    expect(await figure(page, 'tuned')).toMatch(new RegExp(`fine-tuned on 2 pictures of\\s+‘${titleOf(flags)}’`));
    await page.getByRole('link', { name: 'Train' }).click();
    const [download] = await Promise.all([page.waitForEvent('download'), button('Download').click()]);
    expect(download.suggestedFilename()).toBe('model.safetensors');
    const { tensors } = parseSafetensors(readFileSync(await download.path()));
    expect(tensors.get('output.weight')?.shape).toEqual([1024, 160]);

    await button('Discard').click();
    await soon(status).toContain('Discarded');
    expect(await generated()).toBe(own);
    expect(await page.locator('[data-figure=tuned]').count()).toBe(0);
  });

  it('asked no other server, and left no complaint in the console', () => {
    expect(visitor.external).toEqual([]);
    expect(visitor.complaints).toEqual(['Service Worker registration blocked by Playwright']);
  });
});
