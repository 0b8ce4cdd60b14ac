import { readFile } from 'node:fs/promises';
import { formatOf } from '@dpar/io';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type InceptionWeights, parseInceptionWeights } from './weights.js';

/**
 * Loads the weights of the FID Inception-v3 from a file; see `parseInceptionWeights`.
 * @throws DparError if the file is missing or has another format, and the errors of `parseInceptionWeights`.
 */
export async function loadInceptionWeights(path: string): Promise<InceptionWeights> {
  checkArguments('loadInceptionWeights', { path }, { path: 'string' });
  const bytes = await readFile(path).catch((cause) => {
    throw new DparError(
      `loadInceptionWeights: expected a readable file at '${path}', got ${cause.message}. Download ` +
        'pt_inception-2015-12-05-6726825d.pth from https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights.',
      { cause },
    );
  });
  const format = formatOf(bytes);
  if (format !== undefined && format.own !== 'pytorch' && format.own !== 'safetensors') {
    throw new DparError(
      `loadInceptionWeights: expected weights of Inception-v3 (torch.save or safetensors) in '${path}', got ${format.what}. ` +
        format.remedy,
    );
  }
  return parseInceptionWeights(bytes);
}
