import type { Results } from '../experiment.js';
import { drawChart } from './chart.js';
import { summarize } from './summary.js';
import { comparison, type Table, toHtml } from './table.js';

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; font-size: 0.9rem; }
  th, td { text-align: left; padding: 0.35rem 0.7rem; border-bottom: 1px solid #8884; vertical-align: top; }
  svg { width: 100%; height: auto; }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } }
`;

/** Report as one self-contained page. */
export function toPage({ variants, engineDifferences, settings, command, machine }: Results, picture: string): string {
  const summaries = variants.map(summarize);
  const differences: Table = {
    head: ['engine', 'largest difference'],
    body: Object.entries(engineDifferences).map(([name, value]) => [name, value.toExponential(1)]),
  };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Dynamic RoPE elsewhere</title><style>${style}</style></head><body>
<h1>Dynamic RoPE in your own vision transformer</h1>
${picture}
<h2>Results</h2>
<p>A digit of MNIST at a random place on ${settings.size.join(' x ')} pixels; ${settings.steps} steps of ${settings.batchSize}
pictures; means and standard deviations of ${settings.seeds.length} seeds.</p>
${toHtml(comparison(summaries))}
${drawChart(summaries)}
<h2>The same table in all engines</h2>
<p>Largest difference between rotated queries and those of plain JavaScript. The magnitudes are at most 2.</p>
${toHtml(differences)}
<p>${command}; ${machine}.</p>
</body></html>
`;
}
