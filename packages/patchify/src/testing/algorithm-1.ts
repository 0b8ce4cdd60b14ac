import type { PatchingOptions } from '../boundaries.js';

/** Algorithm 1 of DPAR line by line, as a slow and simple oracle. x_0 is separate; patches are lists of token indices. */
export function algorithm1(entropies: readonly number[], options: PatchingOptions): number[] {
  const threshold = options.threshold ?? Infinity;
  const longest = options.maxPatchLength ?? Infinity;
  const row = options.rowLength ?? Infinity;
  const patches: number[][] = [[0]];
  let current = [1];
  for (let i = 2; i <= entropies.length; i++) {
    const e = entropies[i - 1] ?? Number.NaN;
    if (e <= threshold && current.length < longest && i % row !== 0) current.push(i);
    else {
      patches.push(current);
      current = [i];
    }
  }
  if (entropies.length > 0) patches.push(current);
  return patches.map((patch) => patch.length);
}
