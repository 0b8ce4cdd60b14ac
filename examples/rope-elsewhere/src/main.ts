import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions, runProgram } from '@dpar/example-kit';
import { type Results, runExperiment } from './experiment.js';
import { drawChart } from './report/chart.js';
import { toPage } from './report/page.js';
import { examplePicture } from './report/picture.js';
import { summarize } from './report/summary.js';
import { comparison, toMarkdown } from './report/table.js';
import { fullSettings, quickSettings } from './variants.js';

const usage = `node examples/rope-elsewhere/dist/main.js [options]

Trains one TensorFlow.js vision transformer with learned positions, 2D RoPE and Dynamic RoPE, and writes a report.

  --quick         runs for seconds instead of minutes, to test that everything works
  --results FILE  writes the report of an earlier run from its results.json
  --output DIR    folder of the report (default examples/rope-elsewhere/output)
  --help          prints this text
`;

async function main(): Promise<void> {
  const values = readOptions('rope-elsewhere', process.argv.slice(2), {
    quick: { type: 'boolean', default: false },
    results: { type: 'string' },
    output: { type: 'string', default: fileURLToPath(new URL('../output', import.meta.url)) },
    help: { type: 'boolean', default: false },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const command = `node examples/rope-elsewhere/dist/main.js${values.quick ? ' --quick' : ''}`;
  const results: Results = values.results
    ? JSON.parse(await readFile(values.results, 'utf8'))
    : await runExperiment(values.quick ? quickSettings : fullSettings, command, (line) => {
        process.stderr.write(`${line}\n`);
      });
  const summaries = results.variants.map(summarize);
  const picture = await examplePicture();
  const output = resolve(values.output);
  await mkdir(output, { recursive: true });
  const files = {
    'results.json': `${JSON.stringify(results, null, 1)}\n`,
    'positions.svg': picture,
    'accuracy.svg': drawChart(summaries),
    'report.html': toPage(results, picture),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(output, name), text);
  process.stdout.write(`${toMarkdown(comparison(summaries))}\n\nReport: ${join(output, 'report.html')}\n`);
}

runProgram(main);
