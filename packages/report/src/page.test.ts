import { findChromium, launchChromium } from '@dpar/config/chromium';
import { measurePage, showPage } from '@dpar/config/measured-page';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMetrics } from './training/metrics.js';
import { trainingReport } from './training/report.js';

const chromium = findChromium();

describe.skipIf(chromium === undefined)('the report of a run in Chromium', { timeout: 60_000 }, () => {
  let browser: Awaited<ReturnType<typeof launchChromium>>;
  beforeAll(async () => {
    browser = await launchChromium(chromium as string);
  });
  afterAll(() => browser?.close());

  const lines = Array.from({ length: 12 }, (_, i) => ({
    step: 10_000 * (i + 1),
    loss: 1.2345 - i / 1e4,
    learning_rate: i * 1e-6,
    seconds: 1,
  }));
  const metrics = parseMetrics(lines.map((line) => JSON.stringify(line)).join('\n'));
  const settings = { data: { tokens: 'a/'.repeat(80) } };
  const html = trainingReport([{ name: 'a_run_on_'.repeat(12), steps: 12, settings, metrics }]);

  it.each([1280, 768, 390])(
    'has chart texts of at least 11 px, and does not scroll sideways, at %i px',
    async (width) => {
      const page = await showPage(browser, html, width);
      const { smallestChartText, contentWidth } = await measurePage(page);
      expect(smallestChartText).toBeGreaterThanOrEqual(11);
      expect(smallestChartText).toBeLessThan(30);
      expect(contentWidth).toBeLessThanOrEqual(width);
      expect(await page.getByText('Wide tables scroll sideways.').isVisible()).toBe(width < 620);
      // No two texts of an axis overlap.
      const overlaps = await page.evaluate(() => {
        const charts = Array.from(document.querySelectorAll('.chart > svg')).filter(
          (svg) => svg.getClientRects().length > 0,
        );
        return charts.flatMap((svg) => {
          const boxes = Array.from(svg.querySelectorAll('text')).map((text) => text.getBoundingClientRect());
          return boxes.flatMap((a, i) =>
            boxes
              .slice(i + 1)
              .filter((b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom),
          );
        }).length;
      });
      expect(overlaps).toBe(0);
      await page.close();
    },
  );
});
