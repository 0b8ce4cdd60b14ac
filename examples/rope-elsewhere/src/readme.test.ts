import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import '@tensorflow/tfjs-backend-wasm';
import * as rope from '@dpar/rope';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Results } from './experiment.js';
import * as graphs from './onnx/graphs.js';
import { drawChart } from './report/chart.js';
import { examplePicture } from './report/picture.js';
import { summarize } from './report/summary.js';
import { comparison, toMarkdown } from './report/table.js';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const readme = read('README.md');
const results: Results = JSON.parse(read('results.json'));
const modules = { '@dpar/rope': rope, '@tensorflow/tfjs': tf, 'onnxruntime-node': ort, './src/onnx/graphs.js': graphs };

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);

beforeAll(async () => {
  await tf.setBackend('wasm');
  await tf.ready();
});

describe('the README', () => {
  it('prints what it says, block after block', async () => {
    const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    const code = blocks
      .join('\n')
      .replace(/^import \* as (\w+) from '(.*)';$/gm, "const $1 = modules['$2'];")
      .replace(/^import (\{.*\}) from '(.*)';$/gm, "const $1 = modules['$2'];");
    const expected = [...code.matchAll(/^console\.log.*\n\/\/ (.*)$/gm)].map(([, line]) => line);
    expect(expected).toHaveLength(blocks.length);
    const printed: string[] = [];
    const log = (...values: unknown[]) => printed.push(formatWithOptions({ colors: false }, ...values));
    const run = new Function('modules', 'console', 'largestDifference', `return (async () => {${code}\n})()`);
    await run(modules, { log }, largestDifference);
    expect(printed).toEqual(expected);
  });

  it('has the table of results.json and its figures', () => {
    expect(readme).toContain(toMarkdown(comparison(results.variants.map(summarize))));
    expect(readme).toContain(results.command);
    expect(Math.max(...Object.values(results.engineDifferences))).toBeLessThan(5e-7);
  });

  it('shows pictures that are drawn by the example', async () => {
    expect(read('images/positions.svg')).toBe(await examplePicture());
    expect(read('images/accuracy.svg')).toBe(drawChart(results.variants.map(summarize)));
  });
});
