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

const output = fileURLToPath(new URL('../../output', import.meta.url));

/** Takes a picture of the whole page for people to look at: `output/NAME.png`. */
export async function takePicture(page: Page, name: string): Promise<void> {
  await mkdir(output, { recursive: true });
  await page.screenshot({ path: join(output, `${name}.png`), fullPage: true });
}
