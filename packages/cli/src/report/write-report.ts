import { join } from 'node:path';
import { writeFileAtomic } from '@dpar/io/node';
import { type TrainingRun, trainingReport } from '@dpar/report';
import { watchFiles } from '@dpar/train/node';
import { readRun } from './read-run.js';

/** Writes the report of one or more runs. @returns The runs. */
export async function writeReport(folders: readonly string[], path: string): Promise<TrainingRun[]> {
  const runs = await Promise.all(folders.map(readRun));
  const names = new Set(runs.map(({ name }) => name));
  // Runs with the same folder name are shown by their paths.
  const named = runs.map((run, i) => (names.size < runs.length ? { ...run, name: folders[i] ?? run.name } : run));
  await writeFileAtomic(path, trainingReport(named));
  return named;
}

/** Keeps the report of a run up to date while it trains. */
export class LiveReport {
  private readonly path: string;
  private spent = 0;
  private readonly begun = performance.now();

  constructor(private readonly output: string) {
    this.path = join(output, watchFiles.report);
  }

  /** Updates the report, unless reports have taken more than 2 % of the time so far. */
  async renew(): Promise<void> {
    if (this.spent <= 0.02 * (performance.now() - this.begun)) await this.write();
  }

  /** Updates the report. */
  async write(): Promise<void> {
    const begin = performance.now();
    await writeReport([this.output], this.path);
    this.spent += performance.now() - begin;
  }
}
