import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectedOutput } from '@dpar/config/code-blocks';
import { printedBy, readmeExamples } from '@dpar/config/readme-example';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import * as engineOrt from '@dpar/engine-ort';
import { writeSafetensors } from '@dpar/io/node';
import { createRandom } from '@dpar/tensor';
import { expect, it } from 'vitest';
import * as library from './index.js';
import { featureStatistics, frechetDistance } from './index.js';
import * as node from './node.js';
import { inceptionFormulaWeights } from './testing/formula-weights.js';

const path = new URL('../README.md', import.meta.url);
const readme = await readFile(path, 'utf8');

it("gives what the README's example prints", () => {
  const a = featureStatistics({ data: Float64Array.of(0, 1, 2), rows: 3, columns: 1 });
  const b = featureStatistics({ data: Float64Array.of(3, 4, 5), rows: 3, columns: 1 });
  expect(readme).toContain(`console.log(frechetDistance(a, b).distance); // ${frechetDistance(a, b).distance}\n`);
});

it('gives the interval and the extrapolation that the README prints', () => {
  const [, example = ''] = /```ts\n(import \{ createRandom.*?)```/s.exec(readme) ?? [];
  const code = example
    .replace(/^import .*$/gm, '')
    .replace('(seed: number, mean: number)', '(seed, mean)')
    .replace(/console\.log\((.*)\); \/\/ (.*)/g, 'lines.push([[$1].join(" "), "$2"]);');
  const parameters = { createRandom, ...library };
  const run = new Function(
    'parameters',
    `const { createRandom, featureStatistics, frechetInterval, frechetExtrapolation } = parameters;
    const lines = []; ${code} return lines;`,
  );
  const lines = run(parameters) as [string, string][];
  expect(lines).toHaveLength(2);
  for (const [printed, written] of lines) expect(printed).toBe(written);
});

it('extracts features as the README says, with a file of other weights', async () => {
  const file = join(await temporaryFolder(), 'weights.safetensors');
  await writeSafetensors(file, inceptionFormulaWeights());
  const [example = ''] = readmeExamples(path);
  const code = example.replace('pt_inception-2015-12-05-6726825d.pth', file);
  const modules = { '@dpar/engine-ort': engineOrt, '@dpar/eval': library, '@dpar/eval/node': node };
  expect(expectedOutput(example)).not.toBe('');
  expect(await printedBy(code, modules)).toBe(expectedOutput(example));
});
