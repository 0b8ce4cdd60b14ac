import { checkArguments } from './check-arguments.js';
import type { SampleStep } from './options.js';

/** Finished images. */
export interface GeneratedTokens {
  /** int32 [B, T], row-major */
  readonly tokens: Int32Array;
  /** Lengths of the patches of each image; they sum to T. */
  readonly patchLengths: readonly Int32Array[];
}

/**
 * Runs a generation to its end.
 * @param batch Images B
 * @param positions Tokens T of an image
 * @param onPosition Called after each position with the number of positions done.
 */
export async function collectTokens(
  steps: AsyncIterable<SampleStep>,
  batch: number,
  positions: number,
  onPosition?: (done: number) => void,
): Promise<GeneratedTokens> {
  checkArguments(
    'collectTokens',
    { steps, batch, positions, onPosition },
    { steps: 'object', batch: 'number', positions: 'number', 'onPosition?': 'function' },
  );

  const tokens = new Int32Array(batch * positions);
  const lengths: number[][] = Array.from({ length: batch }, () => []);
  for await (const step of steps) {
    lengths.forEach((patches, image) => {
      tokens[image * positions + step.position] = step.tokens[image] as number;
      if (step.startsPatch[image]) patches.push(1);
      else (patches[patches.length - 1] as number)++;
    });
    onPosition?.(step.position + 1);
  }
  return { tokens, patchLengths: lengths.map((patches) => Int32Array.from(patches)) };
}
