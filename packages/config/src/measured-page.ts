import type { Browser, Page } from 'playwright-core';

/** Sizes of a page in CSS pixels. */
export interface PageSizes {
  /** Height of the whole page. */
  readonly height: number;
  /** Width of the content. More than the window's means that the page scrolls sideways. */
  readonly contentWidth: number;
  /** Font size of the smallest visible text in a chart, as drawn on the screen; infinite without charts. */
  readonly smallestChartText: number;
}

/** Shows a page that needs no other file in a window of a width, for tests. */
export async function showPage(browser: Browser, html: string, width: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  await page.setContent(html);
  return page;
}

/** Measures a page that is shown, for tests. */
export function measurePage(page: Page): Promise<PageSizes> {
  return page.evaluate(() => {
    const sizes = Array.from(document.querySelectorAll<SVGTextElement>('svg text'))
      .filter((text) => text.getClientRects().length > 0)
      .map((text) => {
        const { a = 1, b = 0 } = text.getScreenCTM() ?? {};
        return Math.hypot(a, b) * Number.parseFloat(getComputedStyle(text).fontSize);
      });
    const { scrollHeight, scrollWidth } = document.documentElement;
    return { height: scrollHeight, contentWidth: scrollWidth, smallestChartText: Math.min(...sizes) };
  });
}
