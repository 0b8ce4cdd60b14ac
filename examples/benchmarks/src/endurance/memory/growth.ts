import { median } from '@dpar/report';

/** Memory of a process after a garbage collection, in bytes. */
export interface MemorySample {
  /** Tokens or steps so far. */
  readonly done: number;
  /** Resident memory. */
  readonly rss: number;
  /** Objects of JavaScript, and the buffers that they own. */
  readonly heap: number;
}

/** Medians of memory at three points of a soak, and what they say. */
export interface GrowthVerdict {
  readonly start: Omit<MemorySample, 'done'>;
  readonly middle: Omit<MemorySample, 'done'>;
  readonly end: Omit<MemorySample, 'done'>;
  /** Bytes from start to end. Negative if memory shrank. */
  readonly growth: Omit<MemorySample, 'done'>;
  /** Smallest leak in bytes for each token or step that would have been found. */
  readonly smallestLeak: Omit<MemorySample, 'done'>;
  readonly holds: boolean;
}

/**
 * Largest growth in bytes that passes.
 *
 * Resident memory varies by some MB between garbage collections, and allocators keep freed pages. Of a million tokens, 48 MiB
 * are 50 bytes a token; of 10,000 steps, 5 kB a step. The JavaScript heap after a collection varies by less than 1 MiB, so 4 MiB
 * find a leak of 4 bytes a token or 420 bytes a step.
 */
export const growthTolerance = { rss: 48 * 2 ** 20, heap: 4 * 2 ** 20 } as const;

/** Samples at each of the three points. A median of several is not misled by one that was taken beside a collection. */
const samplesAtPoint = 5;

/** Samples that a soak takes. */
export const samplesOfSoak = 6 * samplesAtPoint;

/**
 * Compares the medians of the first, the middle and the last samples of a soak.
 * @param samples In order, the first after warm-up.
 * @throws Error for fewer than 15 samples.
 */
export function judgeGrowth(samples: readonly MemorySample[]): GrowthVerdict {
  if (samples.length < 3 * samplesAtPoint) {
    throw new Error(`judgeGrowth: expected ${3 * samplesAtPoint} samples or more, got ${samples.length}.`);
  }
  const from = Math.floor((samples.length - samplesAtPoint) / 2);
  const parts = [
    samples.slice(0, samplesAtPoint),
    samples.slice(from, from + samplesAtPoint),
    samples.slice(-samplesAtPoint),
  ];
  const [start, middle, end] = parts.map((part) => ({ rss: medianOf(part, 'rss'), heap: medianOf(part, 'heap') }));
  if (start === undefined || middle === undefined || end === undefined) throw new Error('judgeGrowth: no samples.');
  const growth = { rss: end.rss - start.rss, heap: end.heap - start.heap };
  const units = medianOf(samples.slice(-samplesAtPoint), 'done') - medianOf(samples.slice(0, samplesAtPoint), 'done');
  return {
    start,
    middle,
    end,
    growth,
    smallestLeak: { rss: growthTolerance.rss / units, heap: growthTolerance.heap / units },
    holds: growth.rss <= growthTolerance.rss && growth.heap <= growthTolerance.heap,
  };
}

function medianOf(samples: readonly MemorySample[], key: keyof MemorySample): number {
  return median(samples.map((sample) => sample[key]));
}
