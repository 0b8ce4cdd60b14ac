/** One tile along one axis, in codes. */
export interface TileSpan {
  readonly start: number;
  readonly size: number;
}

/**
 * Evenly spread tiles of one size that cover `length` codes and overlap their neighbours by at least `overlap` codes, as few
 * as possible. A shorter length is one tile of that length.
 */
export function tileSpans(length: number, size: number, overlap: number): TileSpan[] {
  if (length <= size) return [{ start: 0, size: length }];
  const last = Math.ceil((length - size) / (size - overlap));
  return Array.from({ length: last + 1 }, (_, i) => ({ start: Math.round((i * (length - size)) / last), size }));
}

/**
 * Blending weights of each tile at each of its points. In an overlap, a tile's weight grows linearly from 0 at `margin` codes
 * from its edge to 1 at `margin` codes from the neighbour's edge. The weights of all tiles sum to 1 everywhere.
 * @param factor Points of a code: pixels, or 1.
 * @returns An array [size * factor] for each tile.
 */
export function blendWeights(spans: readonly TileSpan[], factor: number, margin: number): Float32Array[] {
  const end = spans.at(-1);
  const sums = new Float64Array(end === undefined ? 0 : (end.start + end.size) * factor);
  const weights = spans.map(({ start, size }, i) => {
    const [before, after] = [spans[i - 1], spans[i + 1]];
    const left = before && before.start + before.size - start;
    const right = after && start + size - after.start;
    return Float32Array.from({ length: size * factor }, (_, point) => {
      const fromLeft = left === undefined ? 1 : ramp((point + 0.5) / factor, left, margin);
      const fromRight = right === undefined ? 1 : ramp(size - (point + 0.5) / factor, right, margin);
      const weight = Math.min(fromLeft, fromRight);
      sums[start * factor + point] = (sums[start * factor + point] as number) + weight;
      return weight;
    });
  });
  // Sums exceed 1 where more than two tiles overlap.
  return weights.map((values, i) =>
    values.map((weight, point) => weight / (sums[(spans[i]?.start ?? 0) * factor + point] as number)),
  );
}

/** Ramp from 0 to 1 over an overlap without its margins; a step in the middle if the margins fill it. */
function ramp(distance: number, overlap: number, margin: number): number {
  const width = overlap - 2 * margin;
  if (width <= 0) return distance < overlap / 2 ? 0 : 1;
  return Math.min(1, Math.max(0, (distance - margin) / width));
}
