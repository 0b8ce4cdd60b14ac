/** Largest number of values that a {@link Course} keeps. */
const most = 256;

/** Course of a figure in bounded memory. When it is full, neighbours are replaced by their mean. */
export class Course {
  private kept: number[] = [];
  private pending: number[] = [];
  /** Number of values in each mean. */
  private stride = 1;

  /** Adds a value. Values that are not finite are left out. */
  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.pending.push(value);
    if (this.pending.length < this.stride) return;
    this.kept.push(mean(this.pending));
    this.pending = [];
    if (this.kept.length < most) return;
    this.kept = resample(this.kept, most / 2);
    this.stride *= 2;
  }

  /** Values from the first to the last, evenly spaced. */
  get values(): readonly number[] {
    return this.kept;
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Means of `count` parts of some values, or the values themselves if they are fewer. */
function resample(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  const at = (part: number): number => Math.floor((part * values.length) / count);
  return Array.from({ length: count }, (_, part) => mean(values.slice(at(part), at(part + 1))));
}

const heights = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A row of bars, at most `width` characters: the lowest value is the shortest bar, the highest the longest. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = resample(values, width);
  const lowest = Math.min(...shown);
  const range = Math.max(...shown) - lowest;
  return shown
    .map((value) => heights[range === 0 ? 0 : Math.round(((value - lowest) / range) * (heights.length - 1))])
    .join('');
}
