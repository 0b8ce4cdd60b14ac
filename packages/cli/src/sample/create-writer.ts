import type { ImageDecoder } from '@dpar/pipeline';
import { UsageError } from '../command/errors.js';
import { gridFormat, imageArrayFormat, tokenFormat } from './file-formats.js';
import { createFileWriter } from './file-writer.js';
import { createFolderWriter } from './folder-writer.js';
import type { SamplePlan, SampleWriter } from './plan.js';

/**
 * Opens the writer for the kind of output. Only `.safetensors` needs no tokenizer.
 * @throws CommandError or IoError if other files are in the place, or images of an earlier run with other settings.
 */
export async function createSampleWriter(plan: SamplePlan, decoder: ImageDecoder | undefined): Promise<SampleWriter> {
  const { output, kind } = plan;
  if (kind === 'safetensors') return createFileWriter(plan, tokenFormat(plan));
  if (decoder === undefined) throw new UsageError(`expected --tokenizer DIR for '${output}', got none.`);
  if (kind === 'folder') return createFolderWriter(plan, decoder);
  return createFileWriter(plan, kind === 'npz' ? imageArrayFormat(plan, decoder) : gridFormat(plan, decoder));
}
