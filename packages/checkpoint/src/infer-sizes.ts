import { feedForwardWidth, type ImageModelKind } from '@dpar/nn';
import type { Shapes } from './kinds.js';

/** An axis of the parameters whose names match, if they have `axes` axes (default: any number). */
export type Place = readonly [name: RegExp, axis: number, axes?: number];

/**
 * The most frequent size at these places, so that a few missing or misshapen parameters do not matter.
 * A tie goes to the size that comes first.
 * @returns `undefined` if no place has a size
 */
export function commonSize(shapes: Shapes, places: readonly Place[]): number | undefined {
  const votes = new Map<number, number>();
  for (const [pattern, axis, axes] of places) {
    for (const [name, shape] of shapes) {
      const size = pattern.test(name) && shape.length === (axes ?? shape.length) ? shape[axis] : undefined;
      if (size !== undefined && size > 0) votes.set(size, (votes.get(size) ?? 0) + 1);
    }
  }
  const most = Math.max(...votes.values());
  return [...votes].find(([, count]) => count === most)?.[0];
}

/**
 * Number of blocks `prefix.0`, `prefix.1`, ...: the highest number plus 1, even if parameters are missing.
 * Numbers above the number of parameters are ignored.
 */
export function blockCount(shapes: Shapes, prefix: string): number {
  let count = 0;
  for (const name of shapes.keys()) {
    if (!name.startsWith(`${prefix}.`)) continue;
    const [, digits] = /^(\d+)\./.exec(name.slice(prefix.length + 1)) ?? [];
    const number = Number(digits ?? -1);
    if (number < shapes.size) count = Math.max(count, number + 1);
  }
  return count;
}

/** Sizes of a model of image tokens. */
export interface ImageSizes {
  readonly dim: number;
  /** Rows of the token table. */
  readonly rows: number;
  readonly layers: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Width of the feed-forward layers. */
  readonly feedForward: number;
  /** Rows of the class table; `undefined` for a model without classes. */
  readonly classRows: number | undefined;
}

/** Sizes of a model of image tokens, from the shapes of its parameters. */
export function imageSizes(shapes: Shapes, { hasClasses }: ImageModelKind): ImageSizes {
  const tokenTables = /^(tok_embeddings|output)\.weight$/;
  const dim = commonSize(shapes, [
    [tokenTables, 1, 2],
    [/(^|\.)(attention_norm|ffn_norm|norm)\.weight$/, 0, 1],
    [/\.attention\.wqkv\.weight$/, 1, 2],
  ]);
  const feedForward = commonSize(shapes, [
    [/\.feed_forward\.w[13]\.weight$/, 0, 2],
    [/\.feed_forward\.w2\.weight$/, 1, 2],
  ]);
  return {
    dim: dim ?? 0,
    rows: commonSize(shapes, [[tokenTables, 0, 2]]) ?? 16384,
    layers: blockCount(shapes, 'layers'),
    encoderLayers: blockCount(shapes, 'local_encoder.layers'),
    decoderLayers: blockCount(shapes, 'local_decoder.layers'),
    feedForward: feedForward ?? 0,
    classRows: hasClasses ? shapes.get('cls_embedding.embedding_table.weight')?.[0] : undefined,
  };
}

/** A `multiple_of` that gives the width of the feed-forward layers: LlamaGen's 256, or the largest power of two that does. */
export function multipleOf({ dim, feedForward }: ImageSizes): number {
  const powers = [256, 128, 64, 32, 16, 8, 4, 2, 1];
  return powers.find((power) => feedForwardWidth(dim, power) === feedForward) ?? Math.max(feedForward, 1);
}
