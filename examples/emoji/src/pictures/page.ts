import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import { emojiFolder } from '@dpar/emoji/node';
import { servePage, writePage } from '@dpar/playground';

/** A picture of the playground with the model of @dpar/emoji, as Chromium shows it. @throws Error without Chromium. */
export async function pagePicture(): Promise<Buffer> {
  const executable = findChromium();
  if (executable === undefined) {
    throw new Error(
      'pictures: expected Chromium in a usual place, got none. Install it, or set CHROMIUM_PATH to its program.',
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'dpar-page-'));
  const site = join(folder, 'site');
  await writePage(emojiFolder, site, { compress: false });
  const server = await servePage(site);
  const browser = await launchChromium(executable);
  try {
    const page = await browser.newPage({ viewport: { width: 1120, height: 790 }, colorScheme: 'light' });
    await page.goto(server.url);
    await page.waitForFunction(() => performance.getEntriesByName('first-entropy-map').length > 0);
    await page.waitForLoadState('networkidle');
    return await page.screenshot({ fullPage: true, animations: 'disabled' });
  } finally {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
}
