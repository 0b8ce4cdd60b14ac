import { UsageError } from '../command/errors.js';
import type { ImageDecoder } from '../images/images.js';
import { gridFormat, imageArrayFormat, tokenFormat } from './file-formats.js';
import { createFileWriter } from './file-writer.js';
import { createFolderWriter } from './folder-writer.js';
import type { SamplePlan } from './plan.js';
import type { SampleWriter } from './writer.js';

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
