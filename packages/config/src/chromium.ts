import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Usual places of Chromium or Chrome. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Finds the browser's program, for tests. `CHROMIUM_PATH` overrides the usual places. Undefined if it is not installed. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH } = process.env;
  return [CHROMIUM_PATH ?? '', ...places].find((path) => existsSync(path));
}

/** Arguments with which the browser has WebGPU without a GPU: SwiftShader, its own driver, computes on the CPU. */
export const softwareWebGpu: readonly string[] = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Starts the browser, for tests. @param args Further arguments of its command line. */
export function launchChromium(executablePath: string, args: readonly string[] = []): Promise<Browser> {
  // Chromium's sandbox does not work for root, as in containers.
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath, args: [...(isRoot ? ['--no-sandbox'] : []), ...args] });
}
