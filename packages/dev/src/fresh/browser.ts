import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { formatWithOptions } from 'node:util';
import { launchChromium } from '@dpar/config/chromium';
import { build } from 'vite';
import type { Project } from './project.js';

/** Builds a page for browsers that runs programs one after the other. @returns Its folder. */
export async function buildPage(project: Project, programs: readonly string[]): Promise<string> {
  const names = programs.map((_, i) => `page/program${i}.js`);
  await Promise.all(programs.map((code, i) => project.write(names[i]!, code)));
  const imports = names.map((name) => `await start(); await import('./${name.slice(5)}');`);
  await project.write('page/main.js', `${collector}\n${imports.join('\n')}\nwindow.finished = true;\n`);
  await project.write('page/index.html', '<!doctype html><script type="module" src="./main.js"></script>\n');
  const outDir = join(project.folder, 'page-built');
  const root = join(project.folder, 'page');
  await build({ root, configFile: false, logLevel: 'error', build: { outDir, target: 'es2022', emptyOutDir: true } });
  return outDir;
}

// Values are sent to Node, which prints them. Typed arrays are marked, because JSON has none.
const collector = `
window.printed = [];
console.log = (...values) => window.printed.at(-1).push(JSON.stringify(values, (_, value) =>
  ArrayBuffer.isView(value) ? { typedArray: value.constructor.name, values: Array.from(value) } : value));
const start = async () => { window.printed.push([]); };
`;

const revive = (_: string, value: unknown): unknown => {
  const { typedArray, values } = (value ?? {}) as { typedArray?: 'Float32Array' | 'Int32Array'; values?: number[] };
  return typedArray === undefined ? value : globalThis[typedArray].from(values!);
};

/** Opens a built page in Chromium. @returns Output of each program, as Node prints it. */
export async function runPage(folder: string, executablePath: string): Promise<string[]> {
  const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
  const server = createServer(async ({ url = '/' }, response) => {
    const file = join(folder, url === '/' ? 'index.html' : url);
    const body = await readFile(file).catch(() => undefined);
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await launchChromium(executablePath);
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('window.finished').catch((error) => errors.push(String(error)));
    if (errors.length > 0) throw new Error(`runPage: expected a page without errors, got ${errors.join('\n')}`);
    const printed = (await page.evaluate('window.printed')) as string[][];
    const format = (line: string) => formatWithOptions({ colors: false }, ...(JSON.parse(line, revive) as unknown[]));
    return printed.map((lines) => lines.map(format).join('\n'));
  } finally {
    await browser.close();
    server.close();
  }
}
