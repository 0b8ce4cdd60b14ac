import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import options, { entryPoints } from '../../typedoc.config.js';
import { findBareMembers } from './bare-members.js';
import { convert } from './convert.js';
import { findSilentErrors } from './silent-errors.js';

it('has a comment, with shapes and errors, on all that packages export', { timeout: 300_000 }, async () => {
  const reference = await convert(options);
  expect(reference.project.children?.map(({ name }) => name).sort()).toEqual([...entryPoints.keys()].sort());
  expect(entryPoints.size).toBeGreaterThanOrEqual(21);
  expect(reference.warnings).toEqual([]);
  expect(findBareMembers(reference.project)).toEqual([]);
  expect(findSilentErrors(reference)).toEqual([]);
});

it('finds what has none', async () => {
  const { sourceLinkTemplate, validation, requiredToBeDocumented, blockTags } = options;
  const entryPoint = fileURLToPath(new URL('../testing/sample.ts', import.meta.url));
  const reference = await convert({
    entryPoints: [entryPoint],
    ...{ tsconfig: fileURLToPath(new URL('../testing/tsconfig.json', import.meta.url)), disableGit: true },
    ...({ skipErrorChecking: true, sourceLinkTemplate, validation, requiredToBeDocumented, blockTags } as object),
  });
  expect(reference.warnings).toEqual([
    expect.stringMatching(/^unsaid .*does not have any documentation/),
    expect.stringContaining('Failed to resolve link to "nobody"'),
  ]);
  expect(findBareMembers(reference.project)).toEqual(['Size.gain: number', 'Size.weights: Float32Array']);
  expect(findSilentErrors(reference)).toEqual(['failsSilently', 'failsThroughAnother']);
});
