import type { ItemRange } from '@dpar/io/node';
import { UsageError } from '../errors.js';
import type { ImageDecoder } from './decode.js';
import { gridFormat, imageArrayFormat, tokenFormat } from './file-formats.js';
import { createFileWriter } from './file-writer.js';
import { createFolderWriter } from './folder-writer.js';
import type { Generated } from './generator.js';
import type { SamplePlan } from './plan.js';

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

/**
 * A writer of the kind that the path asks for. Only `.safetensors` can do without a tokenizer.
 * @throws CommandError if the place is taken, or an earlier run has left images of other settings.
 */
export async function createSampleWriter(plan: SamplePlan, decoder: ImageDecoder | undefined): Promise<SampleWriter> {
  const { output, kind } = plan;
  if (kind === 'safetensors') return createFileWriter(plan, tokenFormat(plan));
  if (decoder === undefined) throw new UsageError(`expected --tokenizer DIR for '${output}', got none.`);
  if (kind === 'folder') return createFolderWriter(plan, decoder);
  return createFileWriter(plan, kind === 'npz' ? imageArrayFormat(plan, decoder) : gridFormat(plan, decoder));
}
