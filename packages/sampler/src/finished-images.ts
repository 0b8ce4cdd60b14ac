import { lengthsFromStarts } from '@dpar/patchify';
import { checkArguments } from './check-arguments.js';
import type { SampleStep } from './options.js';

/** Finished images. */
export interface GeneratedTokens {
  /** int32 [B, T], row-major */
  readonly tokens: Int32Array;
  /** Patch lengths of each image, which sum to T. */
  readonly patchLengths: readonly Int32Array[];
}

/**
 * Runs a generation to its end.
 * @param images Images N
 * @param positions Tokens T of an image
 * @param onTokens Called after each step with the number of tokens so far, of N T.
 */
export async function collectTokens(
  steps: AsyncIterable<SampleStep>,
  images: number,
  positions: number,
  onTokens?: (tokens: number) => void,
): Promise<GeneratedTokens> {
  checkArguments(
    'collectTokens',
    { steps, images, positions, onTokens },
    { steps: 'object', images: 'number', positions: 'number', 'onTokens?': 'function' },
  );
  const unfinished = new UnfinishedImages(positions);
  let tokens = 0;
  for await (const step of steps) {
    unfinished.add(step);
    tokens += step.images.length;
    onTokens?.(tokens);
  }
  return unfinished.take(0, images);
}

/**
 * Runs a generation, and yields the images of each part when all of them are finished. Parts follow one another in the
 * queue of images, so that no place is free while the last images of a part are drawn.
 * @param counts Images of each part, in order; together all images of the generation.
 * @param positions Tokens T of an image
 * @param onTokens Called after each step with the number of tokens so far.
 */
export async function* collectParts(
  steps: AsyncIterable<SampleStep>,
  counts: readonly number[],
  positions: number,
  onTokens?: (tokens: number) => void,
): AsyncGenerator<GeneratedTokens> {
  checkArguments(
    'collectParts',
    { steps, counts, positions, onTokens },
    { steps: 'object', counts: 'number[]', positions: 'number', 'onTokens?': 'function' },
  );
  const unfinished = new UnfinishedImages(positions);
  let [part, first, tokens] = [0, 0, 0];
  for await (const step of steps) {
    unfinished.add(step);
    tokens += step.images.length;
    onTokens?.(tokens);
    for (; part < counts.length; part++) {
      const count = counts[part] as number;
      if (!unfinished.areFinished(first, count)) break;
      yield unfinished.take(first, count);
      first += count;
    }
  }
}

/** Image that is drawn, or waits for others of its part. */
interface UnfinishedImage {
  readonly tokens: Int32Array;
  readonly startsPatch: Uint8Array;
  /** Tokens so far. */
  drawn: number;
}

/** Images that are drawn, or wait for others of their part. */
class UnfinishedImages {
  private readonly images = new Map<number, UnfinishedImage>();

  /** @param positions Tokens T of an image. */
  constructor(private readonly positions: number) {}

  add({ images, positions, tokens, startsPatch }: SampleStep): void {
    const T = this.positions;
    images.forEach((number, i) => {
      const known = this.images.get(number);
      const image = known ?? { tokens: new Int32Array(T), startsPatch: new Uint8Array(T), drawn: 0 };
      if (known === undefined) this.images.set(number, image);
      const position = positions[i] as number;
      image.tokens[position] = tokens[i] as number;
      image.startsPatch[position] = startsPatch[i] as number;
      image.drawn++;
    });
  }

  areFinished(first: number, count: number): boolean {
    for (let number = first; number < first + count; number++) {
      if ((this.images.get(number)?.drawn ?? 0) < this.positions) return false;
    }
    return true;
  }

  /** Takes finished images out. */
  take(first: number, count: number): GeneratedTokens {
    const T = this.positions;
    const tokens = new Int32Array(count * T);
    const patchLengths: Int32Array[] = [];
    for (let i = 0; i < count; i++) {
      const image = this.images.get(first + i);
      if (image === undefined) continue;
      tokens.set(image.tokens, i * T);
      patchLengths.push(lengthsFromStarts(image.startsPatch));
      this.images.delete(first + i);
    }
    return { tokens, patchLengths };
  }
}
