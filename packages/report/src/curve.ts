import { checkArguments } from './check-arguments.js';

/** A point of a curve. */
export type Point = readonly [x: number, y: number];

/**
 * Exponential moving mean of about the last `window` values. The value i steps back has the weight (1 - 1 / window)^i, and the
 * weights always sum to 1. Values that are not finite are ignored.
 */
export class MovingMean {
  private sum = 0;
  private weight = 0;

  /** @param window At least 1, which only keeps the last value. */
  constructor(private readonly window: number) {
    checkArguments('MovingMean', { window }, { window: 'number' });
  }

  /** Adds a value. @returns The new mean, or NaN before the first finite value. */
  add(value: number): number {
    checkArguments('MovingMean.add', { value }, { value: 'number | NaN' });
    if (Number.isFinite(value)) {
      const kept = 1 - 1 / this.window;
      this.sum = kept * this.sum + value / this.window;
      this.weight = kept * this.weight + 1 / this.window;
    }
    return this.mean;
  }

  /** Current mean, or NaN before the first finite value. */
  get mean(): number {
    return this.sum / this.weight;
  }
}

/** Smooths a curve: each y becomes the {@link MovingMean} up to it. Points without a finite y are removed. */
export function smooth(points: readonly Point[], window: number): Point[] {
  checkArguments('smooth', { points, window }, { points: 'number[][]', window: 'number' });
  const mean = new MovingMean(window);
  return points.filter(([, y]) => Number.isFinite(y)).map(([x, y]) => [x, mean.add(y)]);
}

/**
 * Removes points of a curve without a visible change. In each of `parts` equal parts of the x axis the first, lowest, highest and
 * last point remain (M4, Jugel et al., VLDB 2014). Points that are not finite remain.
 */
export function thin(points: readonly Point[], parts: number): readonly Point[] {
  checkArguments('thin', { points, parts }, { points: 'number[][]', parts: 'number' });
  if (points.length <= 4 * parts) return points;
  const [start, end] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
  const partOf = ([x]: Point): number => Math.min(parts - 1, Math.floor((parts * (x - start)) / (end - start)));
  const kept: Point[] = [];
  let part: Point[] = [];
  const close = (): void => {
    const finite = part.filter(([, y]) => Number.isFinite(y));
    const lowest = finite.reduce<Point | undefined>((low, p) => (low && low[1] <= p[1] ? low : p), undefined);
    const highest = finite.reduce<Point | undefined>((high, p) => (high && high[1] >= p[1] ? high : p), undefined);
    const ends = [part[0], part.at(-1), lowest, highest];
    kept.push(...part.filter((point) => ends.includes(point) || !Number.isFinite(point[1])));
    part = [];
  };
  for (const point of points) {
    if (part[0] !== undefined && partOf(point) !== partOf(part[0])) close();
    part.push(point);
  }
  close();
  return kept;
}

/** Median of some numbers. It is the mean of the two middle numbers for an even count, and NaN for none. */
export function median(values: readonly number[]): number {
  checkArguments('median', { values }, { values: 'number[]' });
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
