import { expect, it } from 'vitest';
import type { WorkTime } from '../lab/work.js';
import { disagreements } from './headings.js';
import { reportMarkdown, tableMarkdown } from './markdown.js';
import { reportPage } from './page.js';
import type { TableName, TableResult } from './result.js';
import { tableTimeText, timeText, trainingTimes, workOf } from './times.js';

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
  about: ['About.'],
  tables: [{ caption: 'Figures', head: ['a', 'b'], rows: [['1|2', '3']] }],
  charts: [],
  findings: [
    { agrees: true, text: 'One.' },
    { agrees: false, text: 'Two.' },
    { agrees: undefined, text: 'Three.' },
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
