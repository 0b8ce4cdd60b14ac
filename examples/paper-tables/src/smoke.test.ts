import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrtEngine } from '@dpar/engine-ort';
import { expect, it } from 'vitest';
import { createStages } from '../../emoji/src/progress.js';
import { tableNames } from './report/result.js';
import { makeTables } from './run.js';
import { smokeSettings } from './settings.js';

it('makes every table at the smallest size, and only reads the second time', async () => {
  const work = await mkdtemp(join(tmpdir(), 'tables-'));
  const engine = await createOrtEngine();
  const make = async (tables: readonly (typeof tableNames)[number][]) => {
    const stages = createStages(true);
    const options = { settings: smokeSettings, name: 'smoke', tables, work, command: 'npm run tables' };
    const report = await makeTables(engine, stages, options);
    return { page: await readFile(report, 'utf8'), stages: stages.done.map(({ name }) => name) };
  };
  try {
    const first = await make(tableNames);
    expect(first.stages.filter((name) => name.startsWith('DPAR')).length).toBeGreaterThan(10);
    for (const name of tableNames) expect(first.page).toContain(`id="${name}"`);
    const second = await make(tableNames);
    expect(second.stages.filter((name) => !/^Images \(|^Sizes as PNG/.test(name))).toEqual([]);
    const figures = (page: string) => page.replace(/\d+ s of this run|<dt>Time.*?<\/dd>/g, '');
    expect(figures(second.page)).toBe(figures(first.page));
  } finally {
    await engine.dispose();
    await rm(work, { recursive: true, force: true });
  }
}, 300_000);
