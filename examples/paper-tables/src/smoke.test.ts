import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { createStages } from '@dpar/example-kit';
import { expect, it } from 'vitest';
import { estimateOf } from './lab/estimate.js';
import type { TableName, TableResult } from './report/result.js';
import { makeTables } from './run.js';
import { smokeSettings } from './settings.js';
import { tables as allTables } from './tables/index.js';

/** One of each kind: the other tables differ from S4 in the variants that they train, from S8 in what they vary. */
const tables: readonly TableName[] = ['s1', 's4', 's6', '1.8', 's8', 's9', 'larger-patches', 'boundary-head', 'emoji'];

it('makes tables at the smallest size, and only reads the second time', async () => {
  const work = await temporaryFolder();
  const engine = await createOrtEngine();
  const make = async () => {
    const stages = createStages(true);
    const report = await makeTables(engine, stages, {
      settings: smokeSettings,
      name: 'smoke',
      tables,
      work,
      command: 'tables',
    });
    return { page: await readFile(report, 'utf8'), stages: stages.done.map(({ name }) => name) };
  };
  try {
    const first = await make();
    for (const name of tables) expect(first.page).toContain(`id="${name}"`);
    expect(first.page).not.toMatch(/<tbody>\s*<\/tbody>|\d\^\d/);
    expect(first.page.match(/Scaled down: /g)).toHaveLength(1);
    const trained = first.stages.filter((name) => /^(DPAR|LlamaGen|Entropy model)/.test(name));
    const rows = tables.flatMap((name) => allTables[name].rows(smokeSettings));
    const planned = [...estimateOf(smokeSettings, rows).keys()].filter((name) => name.startsWith('train '));
    expect(trained).toHaveLength(planned.length);
    const second = await make();
    expect(second.stages.filter((name) => !name.startsWith('Images ('))).toEqual([]);
    expect(second.page).toBe(first.page);
    const { result } = JSON.parse(await readFile(join(work, 'smoke', 'tables', 's9.json'), 'utf8'));
    const { tables: grids, work: times } = result as TableResult;
    // Patches of the grids are between 1 and the longest length.
    for (const [, length, , llamaGen, dpar] of grids[0]?.rows ?? []) {
      expect(Number(length)).toBeGreaterThanOrEqual(1);
      expect(Number(length)).toBeLessThanOrEqual(smokeSettings.patching.maxPatchLength);
      expect(Math.min(Number(llamaGen), Number(dpar))).toBeGreaterThan(0);
    }
    for (const { seconds, cpuSeconds } of times) expect(Math.min(seconds, cpuSeconds)).toBeGreaterThan(0);
  } finally {
    await engine.dispose();
  }
}, 240_000);
