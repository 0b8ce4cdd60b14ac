import { readFile } from 'node:fs/promises';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import { measurePage, showPage } from '@dpar/config/measured-page';
import { describe, expect, it } from 'vitest';
import type { WorkTime } from '../lab/work.js';
import { disagreements } from './headings.js';
import { reportMarkdown, tableMarkdown } from './markdown.js';
import { reportPage } from './page.js';
import type { TableName, TableResult } from './result.js';
import { tableTimeText, timeText, trainingTimes, workOf } from './times.js';

const chromium = findChromium();

const work = (id: string, seconds: number, more: Partial<WorkTime> = {}): WorkTime => ({
  id,
  name: `work ${id}`,
  total: 10,
  seconds,
  cpuSeconds: 2 * seconds,
  sittings: 1,
  ...more,
});

const result = (name: TableName, entries: readonly WorkTime[]): TableResult => ({
  name,
  title: 'Depth <of> all',
  basis: 'scaled',
  about: ['About.', `Only ${name}.`],
  tables: [
    { caption: 'Figures', head: ['a', 'b', 'empty'], rows: [['1|2', '3', '']] },
    { caption: 'Nothing', head: ['a'], rows: [] },
  ],
  charts: [],
  findings: [
    { agrees: true, text: 'One.' },
    { agrees: false, text: 'Two.' },
    { agrees: undefined, text: 'Three.' },
    { agrees: undefined, covered: true, text: 'Four.' },
    { agrees: true, covered: true, text: 'Five.' },
  ],
  work: entries,
});

const results = [
  result('s2', [work('runs/a', 60, { sittings: 2 }), work('samples/a', 20)]),
  result('s3', [work('runs/a', 60, { sittings: 2 }), work('runs/b', 40)]),
  result('s6', []),
];

const record = {
  machine: 'A machine',
  engine: 'An engine',
  command: 'npm run tables',
  date: '2026-01-02',
  seeds: [0, 1, 2],
};

it('counts what tables share once', () => {
  expect(workOf(results).map(({ id }) => id)).toEqual(['runs/a', 'samples/a', 'runs/b']);
  expect(timeText(workOf(results))).toBe('2 min 0 s, 4 min 0 s of processor time');
  expect(tableTimeText(results, 0)).toMatch(/: 1 min 20 s, 2 min 40 s of processor time\.$/);
  expect(tableTimeText(results, 1)).toContain(
    '1 min 40 s, 3 min 20 s of processor time; of this, shared with tables above: 1 min 0 s, 2 min 0 s',
  );
  expect(tableTimeText(results, 2)).toContain('Arithmetic');
});

it('lists every training run with its time', () => {
  expect(trainingTimes(results).rows).toEqual([
    ['work runs/a', '10', '1 min 0 s', '2 min 0 s', '6000', '2'],
    ['work runs/b', '10', '40 s', '1 min 20 s', '4000', '1'],
  ]);
});

it('writes Markdown with escaped cells and a mark for each finding', () => {
  const [table] = results;
  const text = tableMarkdown(table as TableResult);
  expect(text).toContain('## Table S2: Depth <of> all');
  expect(text).toContain('Figures:\n\n| a | b |\n| --- | ---: |\n| 1\\|2 | 3 |');
  expect(text).toContain('- **as in the paper**: One.\n- **not as in the paper**: Two.\n- **open**: Three.');
  expect(text).toContain('- **no difference seen**: Four.\n- **no difference seen, as in the paper**: Five.');
});

it('has a contents list, each paragraph once, and no empty tables', () => {
  const page = reportPage(results, record);
  for (const { name } of results) expect(page).toContain(`<a href="#${name}">`);
  const anchors = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  for (const id of anchors) expect(page.split(`id="${id}"`)).toHaveLength(2);
  for (const text of [page, reportMarkdown(results, record)]) {
    expect(text.match(/About\./g)).toHaveLength(1);
    expect(text.match(/Only s[236]\./g)).toEqual(['Only s2.', 'Only s3.', 'Only s6.']);
    expect(text).not.toMatch(/Nothing|empty/);
  }
  expect(page).toContain('<b>Table S2, Table S3, Table S6.</b> About.');
  // A table that is read by itself has all its paragraphs.
  expect(tableMarkdown(results[0] as TableResult)).toContain('About.');
  expect(reportPage([result('s6', [])], record)).not.toContain('id="times"');
});

describe.skipIf(chromium === undefined)('the page of the full run in Chromium', () => {
  it.each([1280, 390])(
    'is short when it is folded, and complete when it is not, at %i px',
    async (width) => {
      const html = await readFile(new URL('../../report/report.html', import.meta.url), 'utf8');
      const browser = await launchChromium(chromium as string);
      try {
        const page = await showPage(browser, html, width);
        const folded = await measurePage(page);
        expect(folded.height).toBeLessThan(8000);
        expect(folded.contentWidth).toBeLessThanOrEqual(width);
        await page.evaluate(() => {
          for (const details of Array.from(document.querySelectorAll('details'))) details.open = true;
        });
        const open = await measurePage(page);
        expect(open.height).toBeGreaterThan(1.5 * folded.height);
        expect(open.contentWidth).toBeLessThanOrEqual(width);
        expect(open.smallestChartText).toBeGreaterThanOrEqual(11);
        const rows = await page
          .locator('table')
          .evaluateAll((tables) => tables.map((table) => table.querySelectorAll('tbody tr').length));
        expect(rows.length).toBeGreaterThan(15);
        expect(Math.min(...rows)).toBeGreaterThan(0);
        const paragraphs = (await page.locator('p').allTextContents()).filter((text) => text.length > 80);
        expect(paragraphs.filter((text, i) => paragraphs.indexOf(text) !== i)).toEqual([]);
        expect(await page.locator('body').textContent()).not.toMatch(/\d\^\d/);
        expect(await page.locator('body').textContent()).toContain('10⁹ multiply-accumulates');
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});

it('begins with what did not agree', () => {
  expect(disagreements(results)[1]).toEqual({ table: 'Table S3', text: 'Two.' });
  const markdown = reportMarkdown(results, record);
  expect(markdown.indexOf('- Table S2: Two.')).toBeLessThan(markdown.indexOf('## Table S2'));
  expect(markdown).toContain('Seeds 0, 1, 2.');
  const page = reportPage(results, record);
  expect(page).toContain('<b>Table S3</b>: Two.');
  expect(page).toContain('Depth &lt;of&gt; all');
  expect(page).toContain('A machine; An engine');
});
