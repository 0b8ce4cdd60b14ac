import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatWithOptions } from 'node:util';
import * as engineOrt from '@dpar/engine-ort';
import { writeSafetensors } from '@dpar/io/node';
import { createRandom } from '@dpar/tensor';
import { expect, it } from 'vitest';
import * as library from './index.js';
import { featureStatistics, frechetDistance } from './index.js';
import * as node from './node.js';
import { formulaWeights } from './testing/formula-weights.js';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

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
  const folder = await mkdtemp(join(tmpdir(), 'dpar-eval-'));
  const file = join(folder, 'weights.safetensors');
  await writeSafetensors(file, formulaWeights());
  const [, example = ''] = /```js\n(.*?)```/s.exec(readme) ?? [];
  const [, expected = ''] = /((?:^\/\/ .*\n)+)$/m.exec(example) ?? [];
  const code = example
    .replace(/^import (\{.*\}) from '@dpar\/[\w-]+(?:\/node)?';$/gm, 'const $1 = library;')
    .replace('pt_inception-2015-12-05-6726825d.pth', file);
  let printed = '';
  const log = (...values: unknown[]) => {
    printed += `// ${formatWithOptions({ colors: false }, ...values)}\n`;
  };
  const run = new Function('library', 'console', `return (async () => { ${code} })();`);
  await run({ ...engineOrt, ...library, ...node }, { log });
  await rm(folder, { recursive: true });
  expect(expected).not.toBe('');
  expect(printed).toBe(expected);
});
