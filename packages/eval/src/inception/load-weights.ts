import { readFile } from 'node:fs/promises';
import { formatOf } from '@dpar/io';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type InceptionWeights, parseInceptionWeights } from './weights.js';

/**
 * Reads a file of weights from the disk, see `parseInceptionWeights`.
 * @throws DparError if there is no such file or it is of another format, and what `parseInceptionWeights` throws.
 */
export async function readInceptionWeights(path: string): Promise<InceptionWeights> {
  checkArguments('readInceptionWeights', { path }, { path: 'string' });

  const bytes = await readFile(path).catch((cause) => {
    throw new DparError(
      `readInceptionWeights: expected a readable file, got '${path}': ${cause.message}. Get ` +
        'pt_inception-2015-12-05-6726825d.pth at https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights.',
      { cause },
    );
  });
  const format = formatOf(bytes);
  if (format !== undefined && format.own !== 'pytorch' && format.own !== 'safetensors') {
    throw new DparError(
      `readInceptionWeights: expected weights of Inception-v3 (torch.save or safetensors) in '${path}', got ${format.what}. ` +
        format.remedy,
    );
  }
  return parseInceptionWeights(bytes);
}
