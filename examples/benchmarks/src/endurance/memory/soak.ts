import { setImmediate } from 'node:timers/promises';
import { type MemorySample, samplesOfSoak } from './growth.js';

/** Work that repeats without an end. */
export interface Soaked {
  /** One more piece of work. @returns Its tokens or steps. */
  next(): Promise<number>;
  end(): Promise<void>;
}

/** A kind of work whose memory must not grow. */
export interface Soak {
  readonly name: string;
  readonly unit: 'token' | 'step';
  /** Sets the work up. @param folder Empty folder for its files. @param amount Tokens or steps that will be done. */
  start(folder: string, amount: number, seed: number): Promise<Soaked>;
}

/** Share of the work before the first sample, in which graphs are compiled and pools of memory fill. */
const warmUp = 0.1;

/**
 * Repeats work and samples the memory of this process.
 * @param amount Tokens or steps, warm-up included.
 * @param report Called after each sample.
 * @returns Samples after warm-up.
 */
export async function soak(
  work: Soaked,
  amount: number,
  report: (sample: MemorySample) => void = () => {},
): Promise<MemorySample[]> {
  const samples: MemorySample[] = [];
  let done = 0;
  for (let i = 0; i < samplesOfSoak; i++) {
    const until = amount * (warmUp + ((1 - warmUp) * i) / (samplesOfSoak - 1));
    while (done < until) done += await work.next();
    const sample = { done, ...(await memory()) };
    samples.push(sample);
    report(sample);
  }
  return samples;
}

/** Memory after a garbage collection, where Node runs with `--expose-gc`. */
async function memory(): Promise<Omit<MemorySample, 'done'>> {
  // Finalizers run between two collections, and release what they own.
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await setImmediate();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}
