import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loadEmojiModel } from '@dpar/emoji/node';
import type { FeatureNetwork } from '@dpar/eval';
import { describeMachine, type Stages } from '@dpar/example-kit';
import { makeFolder, writeFileAtomic, writeJson } from '@dpar/io/node';
import type { Engine } from '@dpar/tensor';
import { createTokenizer } from '@dpar/tokenizer';
import { inceptionFeatures, ownFeatures } from './features/open.js';
import { Cache, digestOf } from './lab/cache.js';
import { estimateOf, totalOf } from './lab/estimate.js';
import { EmojiData } from './lab/images.js';
import type { Lab } from './lab/lab.js';
import { TimeLeft } from './lab/time-left.js';
import { WorkLog } from './lab/work.js';
import { labelOf } from './report/headings.js';
import { reportMarkdown, tableMarkdown } from './report/markdown.js';
import { reportPage } from './report/page.js';
import { type RunRecord, type TableName, type TableResult, tableNames } from './report/result.js';
import type { Settings } from './settings.js';
import { tables as allTables } from './tables/index.js';

/** Options of {@link makeTables}. */
export interface TablesOptions {
  readonly settings: Settings;
  /** Folder of the report within `work`. */
  readonly name: string;
  readonly tables: readonly TableName[];
  readonly work: string;
  readonly inception?: string | undefined;
  readonly command: string;
  /** Called before each table with its name. */
  readonly onTable?: (text: string) => void;
}

/**
 * Makes tables one after the other. After each it writes the table (`tables/s1.json`, `tables/s1.md`) and the report of
 * all finished tables (`tables.md`, `report.html`).
 * @returns Path of the report.
 */
export async function makeTables(engine: Engine, stages: Stages, options: TablesOptions): Promise<string> {
  const { settings, tables, work, name, command, onTable } = options;
  const folder = join(work, name);
  await makeFolder(join(folder, 'tables'));
  const lab = await openLab(engine, stages, options);
  const record: RunRecord = {
    machine: describeMachine(),
    engine: engine.name,
    command,
    seeds: settings.seeds,
    date: new Date().toISOString().slice(0, 10),
  };
  const recipe = digestOf([settings, options.inception !== undefined]);
  for (const [i, table] of tables.entries()) {
    onTable?.(`${labelOf(table)} (${i + 1} of ${tables.length})`);
    const content = await allTables[table].make(lab);
    const result: TableResult = { name: table, ...content, work: lab.work.take() };
    await writeJson(join(folder, 'tables', `${table}.json`), { recipe, result });
    await writeFileAtomic(join(folder, 'tables', `${table}.md`), `${tableMarkdown(result)}\n`);
    await writeReport(folder, recipe, record);
  }
  return join(folder, 'report.html');
}

async function openLab(
  engine: Engine,
  stages: Stages,
  { settings, tables, work, inception }: TablesOptions,
): Promise<Lab> {
  const { tokenizer: vq } = await loadEmojiModel();
  const tokenizer = createTokenizer(engine, vq);
  const cache = new Cache(join(work, 'cache'));
  const rows = tables.flatMap((table) => allTables[table].rows(settings));
  const timeLeft = new TimeLeft(totalOf(estimateOf(settings, rows)), availableParallelism());
  let network: Promise<FeatureNetwork> | undefined;
  const lab: Lab = {
    engine,
    settings,
    cache,
    stages,
    work: new WorkLog(cache, stages, timeLeft),
    tokenizer,
    data: new EmojiData(tokenizer, cache, stages, settings.emoji),
    features: () => {
      network ??= inception === undefined ? ownFeatures(lab) : inceptionFeatures(lab, inception);
      return network;
    },
  };
  return lab;
}

/** Writes the report of all tables in a folder that were made with the same settings. */
async function writeReport(folder: string, recipe: string, record: RunRecord): Promise<void> {
  const results: TableResult[] = [];
  for (const name of tableNames) {
    const text = await readFile(join(folder, 'tables', `${name}.json`), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const stored = JSON.parse(text) as { recipe: string; result: TableResult };
    if (stored.recipe === recipe) results.push(stored.result);
  }
  await writeFileAtomic(join(folder, 'tables.md'), reportMarkdown(results, record));
  await writeFileAtomic(join(folder, 'report.html'), reportPage(results, record));
}
