import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { loadModel } from '@dpar/model/node';
import { createSampler } from '@dpar/sampler';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { oddClasses, writeSmallRun } from '../testing/small-run.js';

/** Media types that a static host sends. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** A host of static files: no headers of ours, no compressed files. */
async function serveFiles(root: string): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    const path = join(root, decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
    if (!existsSync(path)) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': types[extname(path)] ?? 'text/plain' }).end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const chromium = findChromium();
let folder: string;
let run: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dpar-page-'));
  run = join(folder, 'Obst & Gemüse');
  await writeSmallRun(run);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(chromium === undefined)('the page of a run, in a folder of a static host', { timeout: 240_000 }, () => {
  let host: Server;
  let browser: Browser;
  let page: Page;
  let shown: string;
  const complaints: string[] = [];

  const soon = <V>(read: () => V | Promise<V>) => expect.poll(read, { timeout: 60_000, interval: 100 });
  const figure = async (name: string) => (await page.locator(`[data-figure="${name}"]:visible`).textContent())?.trim();
  const firstMap = () => page.locator('[data-figure=patches]', { hasText: /\d/ }).waitFor();
  const generated = async (): Promise<number[]> => {
    const text = (await page.locator('[data-figure=codes]').textContent()) as string;
    return text.split(/[ |]+/).map(Number);
  };

  beforeAll(async () => {
    const { status, stdout, stderr } = await runCli(['page', '--model', run, '--output', join(folder, 'host/my/site')]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^page 'Obst & Gemüse' in .*site: \d+ files, \d+\.\d MB .*\n.*dpar play .*site$/m);
    host = await serveFiles(join(folder, 'host'));
    shown = `http://127.0.0.1:${(host.address() as AddressInfo).port}/my/site/`;
    browser = await launchChromium(chromium as string);
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    page.on('console', (message) => {
      if (['warning', 'error'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(shown);
    await firstMap();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    host?.close();
  });

  it('has the name, the classes and the pictures of the run, and only the parts that its model has', async () => {
    expect(await page.title()).toBe('Obst & Gemüse: DPAR playground');
    expect(await page.locator('h1').textContent()).toBe('DPAR Obst & Gemüse');
    expect(await page.getByRole('tab').allTextContents()).toEqual(
      ['Look', 'Generate', 'Train'].map((title) => expect.stringContaining(title)),
    );
    expect(await page.locator('figure h3').first().textContent()).toBe('red #1 & more');
    await page.getByRole('button', { name: 'blau' }).click();
    await soon(() => page.locator('figure h3').first().textContent()).toBe('blau');
    await soon(() => figure('patches')).toMatch(/^\d+$/);
    await page.getByRole('tab', { name: 'Generate' }).click();
    const options = page.getByLabel('Class').locator('option:not([hidden])');
    const names = () => options.evaluateAll((all) => all.map((option) => option.textContent));
    await soon(names).toEqual(oddClasses);
    expect(await page.locator('body').textContent()).not.toMatch(/emoji/i);
  });

  it('draws what the models draw in Node', async () => {
    // A browser shows no spaces at the ends of a name.
    const label = oddClasses.indexOf('  spaces ');
    await page.getByLabel('Class').selectOption({ index: label });
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await page.getByText('Finished').waitFor();
    const engine = await createOrtEngine();
    const [dpar, entropyModel] = await Promise.all(
      ['dpar', 'entropy'].map((name) => loadModel(join(run, 'model', name))),
    );
    const sampler = createSampler(engine, dpar as never, { entropyModel });
    const options = { labels: [label], guidanceScale: 1.5, temperature: 1, topP: 0.98, seed: 1 };
    expect(await generated()).toEqual([...(await sampler.generate(options)).tokens]);
    await engine.dispose();
  });

  it('completes a picture in its own class, or in the one that fits', async () => {
    await page.getByRole('button', { name: 'Complete a picture' }).click();
    const hint = page.locator('#generate-class-hint');
    await soon(() => hint.textContent()).toContain('The class of ‘blau’');
    await soon(() => page.getByLabel('Class').inputValue()).toBe('Ω');
    await page.getByRole('button', { name: 'red #1 & more' }).click();
    await soon(() => hint.textContent()).toContain('most likely');
    await page.getByRole('button', { name: 'Complete', exact: true }).click();
    await page.getByText('Finished').waitFor();
    expect(await figure('tokens')).toBe('64');
  });

  it('works without the host after the first visit, and leaves no complaint', async () => {
    await page.locator('[data-figure=offline]').waitFor();
    await new Promise((resolve) => {
      host.close(resolve);
      host.closeAllConnections();
    });
    await page.goto('about:blank');
    await page.goto(shown);
    await firstMap();
    await page.getByRole('tab', { name: 'Generate' }).click();
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await page.getByText('Finished').waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('dpar page', () => {
  it('replaces a page, also one with another title, and leaves other folders alone', async () => {
    const output = join(await temporaryFolder(), 'site');
    const write = (...args: string[]) => runCli(['page', '--model', run, '--output', output, '--json', ...args]);
    expect((await write()).status).toBe(0);
    const { stdout } = await write('--title', 'Früchte <1>');
    const { title, files, bytes, compressed_bytes } = JSON.parse(stdout);
    expect(title).toBe('Früchte <1>');
    expect(readFileSync(join(output, 'index.html'), 'utf8')).toContain(
      '<title>Früchte &lt;1&gt;: DPAR playground</title>',
    );
    const listed: string[] = JSON.parse(readFileSync(join(output, 'page-files.json'), 'utf8')).files;
    expect(listed).toHaveLength(files);
    expect(listed.filter((name) => !existsSync(join(output, name)))).toEqual([]);
    expect(compressed_bytes).toBeLessThan(bytes / 2);
    await writeFile(join(output, 'CNAME'), 'my.site');
    const refused = await write();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/expected a page or nothing in '.*site', got other files, such as 'CNAME'\./);
    expect(existsSync(join(output, 'CNAME'))).toBe(true);
  });

  it('writes nothing where there is no model', async () => {
    const place = await temporaryFolder();
    await mkdir(join(place, 'photos'));
    const output = join(place, 'site');
    const { status, stderr } = await runCli(['page', '--model', join(place, 'photos'), '--output', output]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^dpar page: resolveModelFolder: expected .*photos/);
    expect(existsSync(output)).toBe(false);
  });
});

describe('dpar play', () => {
  /** Starts the server, and reads its page until it is stopped. */
  const playing = async (args: string[], read: (url: string) => Promise<void>): Promise<number> => {
    const stop = new AbortController();
    const chunks: string[] = [];
    const ended = runCli(['play', ...args, '--port', '0'], stop.signal, (text) => chunks.push(text));
    const address = () => /http:\S+/.exec(chunks.join(''))?.[0];
    await expect.poll(address, { timeout: 30_000 }).toBeDefined();
    await read(address() as string);
    stop.abort();
    return (await ended).status;
  };
  const titleAt = async (url: string) => /<title>(.*)<\/title>/.exec(await (await fetch(url)).text())?.[1];

  it('serves the page of a run with the headers that threads need, until Ctrl-C', async () => {
    let seen = '';
    const status = await playing([run], async (url) => {
      seen = url;
      expect(await titleAt(url)).toBe('Obst &amp; Gemüse: DPAR playground');
      const { headers } = await fetch(url);
      expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
      expect((await fetch(`${url}model/model.json`)).status).toBe(200);
    });
    expect(status).toBe(0);
    await expect(fetch(seen)).rejects.toThrow();
  });

  it('serves @dpar/emoji without an argument, and a written page', async () => {
    await playing([], async (url) => expect(await titleAt(url)).toBe('Emoji: DPAR playground'));
    const output = join(await temporaryFolder(), 'site');
    await runCli(['page', '--model', run, '--output', output, '--title', 'Written']);
    await playing([output], async (url) => expect(await titleAt(url)).toBe('Written: DPAR playground'));
  });

  it('says that a port is taken', async () => {
    await playing([run], async (url) => {
      const { status, stderr } = await runCli(['play', run, '--port', new URL(url).port]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/expected a free port, got \d+: another program uses it\. Choose another port/);
    });
  });
});
