import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { loadEmojiModel } from '@dpar/emoji/node';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entropyCost, networkRuns, wholeCost } from './model/costs.js';
import { countCosts } from './model/count-costs.js';
import { figure, firstMap, layoutShift, takePicture, visit, watchShifts } from './testing/browser.js';
import { servedPage, type TestPage, writeModelFolder } from './testing/page-of.js';
import { firstClass, sampleClass, sampleFile, titleOf } from './testing/sample-file.js';
import { tinyModel } from './testing/tiny-model.js';

const soon = <V>(read: () => V | Promise<V>) => expect.poll(read, { timeout: 60_000, interval: 100 });
const chromium = findChromium();

/** A phone, upright, or a tablet: fingers instead of a mouse. */
const touch = (width: number, height: number): BrowserContextOptions => ({
  viewport: { width, height },
  isMobile: true,
  hasTouch: true,
});

/** Name of the focused element: the text of a button, the label of another control. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const label = element.getAttribute('aria-label') ?? (element as HTMLInputElement).labels?.[0]?.textContent;
    return (label ?? (element === document.body ? 'the page' : element.textContent) ?? '').trim();
  });

/** Moves the focus with the tabulator until it is at a control of that name. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 80; i++) {
    if ((await focused(page)) === name) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach '${name}'`);
}

describe.skipIf(chromium === undefined)('visitors of the page', { timeout: 240_000 }, () => {
  let browser: Browser;
  let server: TestPage;
  /** With a model that draws at once, where it does not matter what. */
  let tiny: TestPage;

  beforeAll(async () => {
    server = await servedPage();
    const { classes, ...parts } = tinyModel(['Cats', 'a_class_with_a_long_name_'.repeat(4)]);
    const folder = await mkdtemp(join(tmpdir(), 'dpar-tiny-'));
    const model = join(folder, 'a tiny model with a name that is longer than the page is wide on phones');
    await writeModelFolder(model, parts, classes);
    tiny = await servedPage(model);
    await rm(folder, { recursive: true });
    browser = await launchChromium(chromium as string);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await tiny?.close();
  });

  /** Opens a part of the page, waits for the model, and looks at complaints when `act` is done. */
  async function at(
    tab: string,
    options: BrowserContextOptions,
    act: (page: Page) => Promise<void>,
    { url } = server,
  ): Promise<void> {
    const { context, page, complaints } = await visit(browser, `${url}#${tab}`, options);
    await firstMap(page);
    await act(page);
    expect(complaints).toEqual([]);
    await context.close();
  }

  const shownClass = (page: Page): Promise<string> => page.locator('#generate-class').inputValue();
  const classHint = (page: Page) => page.locator('#generate-class-hint').textContent();

  describe('who complete pictures', () => {
    it('get the class of each sample, and may choose another until they take another picture', () =>
      at('generate', {}, async (page) => {
        await soon(() => shownClass(page)).toBe(firstClass());
        await page.getByRole('button', { name: 'Complete a picture' }).click();
        await soon(() => shownClass(page)).toBe(sampleClass('Lion'));
        expect(await classHint(page)).toContain('The class of ‘Lion’');
        await page.getByRole('button', { name: 'Flag of Morocco' }).click();
        await soon(() => shownClass(page)).toBe(sampleClass('Flag of Morocco'));
        await page.getByLabel('Class').selectOption(sampleClass('Cup of tea'));
        await soon(() => classHint(page)).toBe('You chose this class.');
        await page.getByRole('slider', { name: 'Erased from row' }).fill('4');
        await page.getByRole('button', { name: 'Complete', exact: true }).click();
        await page.getByText('Finished').waitFor();
        expect(await page.locator('figure h3').textContent()).toBe(
          `Flag of Morocco: ${titleOf(sampleClass('Cup of tea'))}`,
        );
        await page.getByRole('button', { name: 'Cup of tea' }).click();
        await soon(() => classHint(page)).toContain('The class of ‘Cup of tea’');
        expect(await shownClass(page)).toBe(sampleClass('Cup of tea'));
        await page.getByRole('button', { name: 'Rose' }).click();
        await soon(() => shownClass(page)).toBe(sampleClass('Rose'));
        // New images keep the class of their own.
        await page.getByRole('button', { name: 'A new image' }).click();
        await soon(() => shownClass(page)).toBe(firstClass());
      }));

    it('get the class that fits a picture of their own, as far as it is given', () =>
      at('generate', {}, async (page) => {
        await page.getByRole('button', { name: 'Complete a picture' }).click();
        const australia = [...readFileSync(sampleFile('flag-of-australia'))];
        await page.evaluate((bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], 'own.png', { type: 'image/png' }));
          document.body.dispatchEvent(
            new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }),
          );
        }, australia);
        await soon(() => page.locator('figure h3').textContent()).toBe('own.png');
        await soon(() => shownClass(page)).toBe(sampleClass('Flag of Australia'));
        expect(await classHint(page)).toContain('most likely');
        await page.getByRole('button', { name: 'Complete', exact: true }).click();
        await page.getByText('Finished').waitFor();
        expect(await page.locator('figure h3').textContent()).toBe(
          `own.png: ${titleOf(sampleClass('Flag of Australia'))}`,
        );
      }));
  });

  describe('with a keyboard', () => {
    it('keep the focus while they generate, stop, resume and start over', () =>
      at('generate', {}, async (page) => {
        await tabTo(page, 'Generate');
        await tabTo(page, 'Class');
        await tabTo(page, 'Generate');
        await page.keyboard.press('Enter');
        await soon(() => focused(page)).toBe('Stop');
        await page.keyboard.press('Enter');
        await soon(() => focused(page)).toBe('Resume');
        await page.keyboard.press('Tab');
        expect(await focused(page)).toBe('Start over');
        await page.keyboard.press('Enter');
        await soon(() => focused(page)).toBe('Stop');
        await page.keyboard.press('Enter');
        await soon(() => focused(page)).toBe('Resume');
        await page.keyboard.press('Space');
        await page.getByText('Finished').waitFor();
        expect(await focused(page)).toBe('Generate');
        await page.locator('#generate-class').focus();
        const chosen = await shownClass(page);
        await page.keyboard.press('ArrowUp');
        await soon(() => shownClass(page)).not.toBe(chosen);
        expect(await focused(page)).toBe('Class');
        await tabTo(page, 'Another');
        await page.keyboard.press('Enter');
        await page.getByText('Drawing').waitFor();
        expect(await focused(page)).toBe('Another');
        await page.getByText('Finished').waitFor();
        expect(await focused(page)).toBe('Another');
      }));

    it('keep it while they compare, and complete a picture', () =>
      at('compare', {}, async (page) => {
        await page.locator('#compare-class').focus();
        await tabTo(page, 'Compare');
        await page.keyboard.press('Enter');
        await soon(() => focused(page)).toBe('Stop');
        await page.getByText('Finished').waitFor();
        expect(await focused(page)).toBe('Compare');
        await page.locator('#tab-compare').focus();
        await page.keyboard.press('ArrowLeft');
        expect(await focused(page)).toBe('Generate');
        await tabTo(page, 'Complete a picture');
        await page.keyboard.press('Enter');
        await tabTo(page, 'Complete');
        expect(await focused(page)).toBe('Complete');
        await page.keyboard.press('Enter');
        await page.getByText('Finished').waitFor();
        expect(await focused(page)).toBe('Complete');
        await tabTo(page, 'Back to the erased picture');
        await page.keyboard.press('Enter');
        await soon(() => focused(page)).toBe('Erased from row');
      }));

    it('find it where they were when a control goes away', () =>
      at('look', {}, async (page) => {
        await tabTo(page, 'Threshold');
        await page.keyboard.press('ArrowRight');
        const reset = page.getByRole('button', { name: 'Reset to' });
        await reset.focus();
        await page.keyboard.press('Enter');
        await soon(() => reset.getAttribute('aria-disabled')).toBe('true');
        expect(await focused(page)).toMatch(/^Reset to/);
        await page.locator('#threshold').focus();
        await page.evaluate(() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(['text'], 'broken.png', { type: 'image/png' }));
          document.body.dispatchEvent(
            new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }),
          );
        });
        await page.getByRole('button', { name: 'Dismiss' }).focus();
        await page.keyboard.press('Enter');
        await soon(() => focused(page)).toBe('Threshold');
        await page.locator('#tab-look').focus();
        await page.keyboard.press('End');
        await soon(() => focused(page)).toBe('Train');
        await page.keyboard.press('Home');
        await soon(() => focused(page)).toBe('Look');
        await soon(() => page.locator('#panel-look').isVisible()).toBe(true);
      }));
  });

  it('see a picture before the model is there, and nothing moves when it comes', async () => {
    let send = (): void => {};
    const sent = new Promise<void>((resolve) => {
      send = resolve;
    });
    const options = { ...touch(390, 844), deviceScaleFactor: 2, serviceWorkers: 'block' } as const;
    const { context, page } = await visit(browser, `${server.url}#generate`, options, async (context) => {
      await watchShifts(context);
      await context.route('**/*.safetensors', async (route) => {
        await sent;
        await route.continue();
      });
    });
    await soon(() => page.locator('figure h3').textContent()).toBe('Example: Lion');
    const canvas = page.locator('canvas[data-canvas=generation]');
    const image = () => canvas.evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    /** Share of the canvas that is painted, in pixels of the screen. */
    const painted = () =>
      canvas.evaluate((element) => {
        const { width, height, clientWidth } = element as HTMLCanvasElement;
        const { data = [] } = (element as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height) ?? {};
        const opaque = data.filter((value, i) => i % 4 === 3 && value === 255).length / (width * height);
        return { opaque, scale: Math.round(width / clientWidth) };
      });
    await soon(painted).toEqual({ opaque: 1, scale: 2 });
    const primary = page.locator('#panel-generate .primary');
    expect(await primary.getAttribute('aria-disabled')).toBe('true');
    expect(await page.locator('.progress [role=status]').textContent()).toContain('Loading the model');
    const before = await image();
    send();
    await firstMap(page);
    await soon(() => primary.getAttribute('aria-disabled')).toBe('false');
    // The patches come with the model.
    await soon(image).not.toBe(before);
    expect(await layoutShift(page)).toBeLessThan(0.001);
    await context.close();
  });

  it('see nothing move while the program that trains is loaded', async () => {
    const options = { viewport: { width: 390, height: 900 }, serviceWorkers: 'block' } as const;
    const { context, page } = await visit(browser, `${server.url}#train`, options, watchShifts);
    await page.locator('#panel-train .panel').first().waitFor();
    expect(await layoutShift(page)).toBeLessThan(0.005);
    await context.close();
  });

  it('find classes in their groups, and draw words', async () => {
    const classes = ['Pets/cat', 'Wild/lion', 'Pets/dog', 'Plain', 'Toys/cat', '/red', '/heart'];
    const { classes: _, ...parts } = tinyModel(classes);
    const folder = await temporaryFolder();
    await writeModelFolder(folder, parts, classes);
    await mkdir(join(folder, 'examples/Wild/lion'), { recursive: true });
    await copyFile(sampleFile('lion'), join(folder, 'examples/Wild/lion/king.png'));
    const grouped = await servedPage(folder);
    const { context, page, complaints } = await visit(browser, `${grouped.url}#generate`);
    await firstMap(page);
    const menu = (id: string) =>
      page
        .locator(`#${id} :is(optgroup, option):not([hidden])`)
        .evaluateAll((all) => all.map((each) => (each as HTMLOptGroupElement).label));
    const expected = ['Pets', 'cat', 'dog', 'Wild', 'lion', 'Plain', 'Toys', 'cat'];
    expect(await menu('generate-class')).toEqual(expected);
    await page.getByLabel('Class').selectOption('Toys/cat');
    await page.getByRole('button', { name: 'Another' }).click();
    await page.getByText('Finished').waitFor();
    expect(await page.locator('figure h3').textContent()).toBe('Toys: cat');
    expect(await page.locator('#generate-seed').inputValue()).not.toBe('1');
    const prompt = page.getByLabel('Or in words');
    const hint = page.locator('#generate-prompt-hint');
    expect(await hint.textContent()).toContain('knows 2 words');
    await prompt.fill('sky');
    await soon(() => hint.textContent()).toBe('The model knows none of these words, and draws anything.');
    await prompt.fill('A red, RED heart');
    await soon(() => hint.textContent()).toBe('Draws ‘red heart’. The model does not know ‘a’.');
    expect(await shownClass(page)).toBe('');
    await prompt.press('Enter');
    await soon(() => page.locator('figure h3').textContent()).toBe('red heart');
    await page.getByText('Finished').waitFor();
    // A class takes the place of the words.
    await page.getByLabel('Class').selectOption('Plain');
    await soon(() => prompt.inputValue()).toBe('');
    await page.getByRole('button', { name: 'Complete a picture' }).click();
    await soon(() => prompt.count()).toBe(0);
    await soon(() => shownClass(page)).toBe('Wild/lion');
    await page.getByRole('button', { name: 'Complete', exact: true }).click();
    await page.getByText('Finished').waitFor();
    expect(await page.locator('figure h3').textContent()).toBe('king: lion');
    await page.locator('#tab-compare').click();
    expect(await menu('compare-class')).toEqual(expected);
    await page.locator('#tab-train').click();
    await soon(() => menu('train-class')).toEqual(['The one that fits best', ...expected]);
    expect(complaints).toEqual([]);
    await context.close();
    await grouped.close();
  });

  it('who click twice do not stop what they have begun', () =>
    at('generate', {}, async (page) => {
      await page.getByRole('button', { name: 'Generate', exact: true }).dblclick();
      await page.getByText('Finished').waitFor();
      expect(await figure(page, 'tokens')).toBe('256');
    }));

  it('see nothing of an earlier picture, however quickly they choose', () =>
    at('look', {}, async (page) => {
      // The first picture comes last.
      const rose = (await page.getByRole('img', { name: 'Rose' }).getAttribute('src')) as string;
      await page.route(rose, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await route.continue();
      });
      const lion = await figure(page, 'patches');
      await page.getByRole('button', { name: 'Rose' }).click();
      await page.getByRole('button', { name: 'Flag of Australia' }).click();
      await soon(() => page.locator('figure h3').first().textContent()).toBe('Flag of Australia');
      await soon(() => figure(page, 'patches')).toMatch(/\d/);
      const flag = await figure(page, 'patches');
      expect(flag).not.toBe(lion);
      await page.waitForTimeout(2500);
      expect(await page.locator('figure h3').first().textContent()).toBe('Flag of Australia');
      expect(await figure(page, 'patches')).toBe(flag);
    }));

  it('are told why DPAR takes its time, with its entropies counted', () =>
    at('compare', {}, async (page) => {
      await page.getByRole('button', { name: 'Compare', exact: true }).click();
      await page.getByText('Finished').waitFor();
      const steps = Number(await figure(page, 'dpar-steps'));
      const seconds = async (model: string) => Number.parseFloat(await figure(page, `${model}-time`));
      const millions = async (model: string) => Number.parseFloat(await figure(page, `${model}-operations`));
      const { tokenizer, dpar, entropy, llamagen } = await loadEmojiModel();
      const configs = { tokenizer, dpar: dpar.config, entropy: entropy.config, llamagen: llamagen.config };
      const costs = countCosts(configs);
      const shown = (operations: number): string => `${(operations / 1e6).toFixed(0)} M`;
      const source = dpar.config.boundaryHead ? 'head' : 'entropy';
      expect(await figure(page, `dpar-${source}-operations`)).toBe(shown(entropyCost(costs)));
      const guided = { patches: 0, isGuided: true };
      expect(await figure(page, 'llamagen-operations')).toBe(shown(wholeCost(costs, 'llamagen', guided)));
      expect(await figure(page, 'llamagen-model-runs')).toBe('256 × 2');
      expect(await page.locator('caption').first().textContent()).toBe(
        `${titleOf(firstClass())}, guidance 1.5, temperature 1.00, top-p 0.98, seed 1`.replaceAll(/ (?=\d)/g, '\u00a0'),
      );
      // The parts are all of the time.
      for (const model of ['dpar', 'llamagen']) {
        const times = await page.locator(`[data-figure^=${model}-][data-figure$=-time]`).allTextContents();
        const [whole = 0, ...parts] = times.map((time) => Number.parseFloat(time)).filter(Number.isFinite);
        const all = parts.pop() as number;
        expect(all).toBe(whole);
        expect(Math.abs(parts.reduce((sum, time) => sum + time, 0) - all)).toBeLessThan(0.01 * parts.length);
      }
      const text = (await figure(page, 'time-explained')).replace(/\s+/g, ' ');
      const [ratio, saving] = [/took ([\d.]+) times/, /with ([\d.]+)% fewer/].map((of) => Number(of.exec(text)?.[1]));
      expect((await seconds('dpar')) / (await seconds('llamagen'))).toBeCloseTo(ratio as number, 1);
      expect(100 * (1 - (await millions('dpar')) / (await millions('llamagen')))).toBeCloseTo(saving as number, 0);
      expect(text).toMatch(/Of DPAR’s parts, the [\w ]+ takes longest: \d+\.\d% of the time/);
      expect(text).toContain(`runs small networks ${networkRuns(costs.dpar, steps)} times`);
      expect(text).toMatch(/on average \d+\.\d\d ms for \d\.\d\d M multiply-adds; LlamaGen runs one 256 times/);
    }));

  it('can compare after they have changed the threads', () =>
    at(
      'generate',
      {},
      async (page) => {
        await page.getByRole('button', { name: 'Generate', exact: true }).click();
        await page.getByText('Finished').waitFor();
        await page.getByLabel('Threads').selectOption('2');
        await soon(() => figure(page, 'engine')).toContain('2 threads');
        await page.locator('#tab-compare').click();
        await page.getByRole('button', { name: 'Compare', exact: true }).click();
        // Threads are slow where processors are busy.
        await soon(() => figure(page, 'dpar-tokens').then(Number)).toBeGreaterThan(3);
      },
      tiny,
    ));

  it.each([
    [360, 640],
    [390, 844],
    [768, 1024],
    [740, 360],
  ])('with fingers have picture and button together on %d x %d', (width, height) =>
    at(
      'generate',
      touch(width, height),
      async (page) => {
        const button = page.locator('#panel-generate .primary');
        const inWindow = async (): Promise<boolean> => {
          const box = await button.boundingBox();
          return box !== null && box.y >= 0 && box.y + box.height <= height;
        };
        const canvas = page.locator('canvas[data-canvas=generation]');
        expect(await inWindow()).toBe(true);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        await page.evaluate(() => document.querySelector('.tokens')?.scrollIntoView({ block: 'nearest' }));
        const bar = page.locator('#panel-generate .run');
        expect(await bar.locator('select').isVisible()).toBe(true);
        const [picture, box] = [await canvas.boundingBox(), await bar.boundingBox()];
        if (!picture || !box) throw new Error('no picture or no bar');
        if (height > width) expect(picture.y + picture.height).toBeLessThanOrEqual(box.y);
        // From below the picture a tap brings it back.
        await page.locator('#generate-seed').scrollIntoViewIfNeeded();
        await button.tap();
        await page.getByText('Finished').waitFor();
        const after = await canvas.boundingBox();
        expect(after?.y).toBeGreaterThanOrEqual(-1);
        await page.locator('#tab-compare').tap();
        await page.getByRole('button', { name: 'Compare', exact: true }).waitFor();
        const compare = await page.locator('#panel-compare .primary').boundingBox();
        expect((compare?.y ?? height) + (compare?.height ?? 0)).toBeLessThanOrEqual(height);
        await takePicture(page, `compare-${width}`);
      },
      tiny,
    ),
  );

  it('are told what fingers, or mouse and keyboard, can do', async () => {
    const readout = (page: Page) => page.locator('#token-readout').textContent();
    const label = (page: Page) => page.locator('canvas[data-canvas=picture]').getAttribute('aria-label');
    await at('look', touch(390, 844), async (page) => {
      expect(await readout(page)).toMatch(/^\s*Touch a token/);
      expect(await readout(page)).not.toMatch(/point|arrow|mouse|click/i);
      expect(await label(page)).not.toMatch(/arrow/i);
      await page.getByRole('button', { name: 'Draw' }).tap();
      await soon(() => label(page)).toContain('Draw with a finger');
    });
    await at('look', {}, async (page) => {
      expect(await readout(page)).toMatch(/Point at a token, or move there with the arrow keys/);
      expect(await label(page)).toContain('Arrow keys');
    });
  });
});
