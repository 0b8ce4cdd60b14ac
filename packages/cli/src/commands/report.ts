import { join } from 'node:path';
import { watchFiles } from '@dpar/train/node';
import { defineCommand } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import { folder, optional, outputFile, repeated } from '../command/options.js';
import { writeReport } from '../report/report.js';

export const report = defineCommand({
  name: 'report',
  summary: 'Write a page about a training run, or a comparison of several runs',
  details:
    'The page is one self-contained HTML file with curves, samples, settings and times. You can write it while ' +
    'training runs.\n\n' +
    "Without --output, it is report.html in the run's folder. For several runs, it is comparison.html in the " +
    'first folder.',
  options: {
    run: repeated(folder, "output folder of 'dpar train'; several folders are compared"),
    output: optional(outputFile, 'output: *.html'),
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
