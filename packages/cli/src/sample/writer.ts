import type { ItemRange } from '@dpar/io/node';
import type { Generated } from './generator.js';

/** Takes generated images, batch by batch. */
export interface SampleWriter {
  /** [N]: 1 for images that are kept, from an earlier run or by `add`. */
  readonly there: Uint8Array;
  /** Where finished images are kept if the work ends before the last of them. */
  readonly kept: string;
  /** Keeps a batch. */
  add(range: ItemRange, batch: Generated): Promise<void>;
  /** Puts the output in its place. @throws the signal's reason when it is aborted. */
  finish(signal: AbortSignal): Promise<void>;
}
