import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** A page with its errors. */
export interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Messages of the console that are warnings or errors (violations of the security policy among them), and exceptions. */
  readonly complaints: string[];
  /** Addresses of requests to other servers. */
  readonly external: string[];
}

/** Opens the page in a browser without history. @param prepare Runs before the page is opened. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  prepare: (context: BrowserContext) => Promise<void> = async () => {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const external: string[] = [];
  page.on('console', (message) => {
    // Chromium's own line on a machine without a graphics processor.
    if (message.text() === 'No available adapters.') return;
    if (['warning', 'error'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'blob:' && origin !== new URL(url).origin) external.push(request.url());
  });
  await prepare(context);
  await page.goto(url);
  return { context, page, complaints, external };
}

/** Waits until the entropies of the first picture are shown. */
export async function firstMap(page: Page): Promise<void> {
  await page.waitForFunction(() => performance.getEntriesByName('first-entropy-map').length > 0);
}

/** One of the figures that the page shows, with ordinary spaces. */
export async function figure(page: Page, name: string): Promise<string> {
  const text = await page.locator(`[data-figure="${name}"]:visible`).textContent();
  return (text ?? '').replaceAll('\u00a0', ' ').trim();
}

/** Lets a page measure how much its layout shifts, from its beginning. */
export async function watchShifts(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const watched = globalThis as unknown as { layoutShift: number };
    watched.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[]) {
        if (!entry.hadRecentInput) watched.layoutShift += entry.value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

/** Cumulative layout shift of a page that {@link watchShifts} watches. */
export function layoutShift(page: Page): Promise<number> {
  return page.evaluate(() => (globalThis as unknown as { layoutShift: number }).layoutShift);
}

/** Visible numbers of the page that are broken over two lines, or apart from the unit that follows. */
export function brokenNumbers(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const units = '%|M|GB|MB|ms|s|min|nats|px|pixels|tokens?|blocks?|pictures?|times|thread';
    const number = new RegExp(`\\d[\\d.,\u2011-]*(?:\\s*×\\s*\\d+)?(?:\\s*(?:${units})(?![\\w-]))?`, 'g');
    const broken: string[] = [];
    for (const block of document.querySelectorAll(
      'p, dd, dt, td, th, caption, output > span, label, h1, h2, h3, button',
    )) {
      const nodes: Text[] = [];
      const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) nodes.push(walker.currentNode as Text);
      const text = nodes.map(({ data }) => data).join('');
      const place = (offset: number): [Text, number] => {
        let rest = offset;
        for (const node of nodes) {
          if (rest <= node.length) return [node, rest];
          rest -= node.length;
        }
        throw new Error('an offset beyond the text');
      };
      for (const { 0: match, index } of text.matchAll(number)) {
        const range = document.createRange();
        range.setStart(...place(index));
        range.setEnd(...place(index + match.length));
        const tops = [...range.getClientRects()].filter(({ width }) => width > 0).map(({ bottom }) => bottom);
        if (Math.max(...tops) - Math.min(...tops) > 8) broken.push(match);
      }
    }
    return broken;
  });
}

const output = fileURLToPath(new URL('../../output', import.meta.url));

/** Takes a picture of the whole page for people to look at: `output/NAME.png`. */
export async function takePicture(page: Page, name: string): Promise<void> {
  await mkdir(output, { recursive: true });
  await page.screenshot({ path: join(output, `${name}.png`), fullPage: true });
}
