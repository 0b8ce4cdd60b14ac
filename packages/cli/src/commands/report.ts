import { join } from 'node:path';
import { watchFiles } from '@dpar/train/node';
import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { folder, optional, outputFile, repeated } from '../options.js';
import { writeReport } from '../report/write-report.js';
import { countOf } from '../table.js';

export const report = defineCommand({
  name: 'report',
  summary: 'a page of how a training run went, or of several beside one another',
  details:
    'One HTML file that needs nothing else: curves, samples, settings, where the time went. It works at any time, also while ' +
    "the run goes on. Default output: report.html in the run's folder; of several runs, comparison.html in the first one's.",
  options: {
    run: repeated(folder, "output folder of 'dpar train'; several are compared"),
    output: optional(outputFile, 'HTML file to write'),
  },
  run: async ({ run: folders, output }) => {
    const [first] = folders;
    if (first === undefined) throw new UsageError('expected --run DIR, got none.');
    const path = output ?? join(first, folders.length === 1 ? watchFiles.report : 'comparison.html');
    const runs = await writeReport(folders, path);
    return {
      data: {
        output: path,
        runs: runs.map(({ name, metrics, samples = [] }) => ({
          name,
          steps: metrics.at(-1)?.step ?? 0,
          loss: metrics.at(-1)?.loss ?? null,
          samples: samples.length,
        })),
      },
      text: `report of ${runs.map(({ name, metrics }) => `${name} (${countOf(metrics.length, 'step')})`).join(', ')} in ${path}`,
    };
  },
});
