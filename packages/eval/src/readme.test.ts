import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { featureStatistics, frechetDistance } from './index.js';

it("gives what the README's example prints", async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const a = featureStatistics({ data: Float64Array.of(0, 1, 2), rows: 3, columns: 1 });
  const b = featureStatistics({ data: Float64Array.of(3, 4, 5), rows: 3, columns: 1 });
  expect(readme).toContain(`console.log(frechetDistance(a, b).distance); // ${frechetDistance(a, b).distance}\n`);
});
