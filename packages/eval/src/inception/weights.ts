import type { KindsOf } from '@dpar/check';
import {
  entriesOf,
  formatOf,
  formatPyTorchValue,
  PyTorchTensor,
  parsePyTorch,
  parseSafetensors,
  type StoredTensor,
  toHostTensors,
} from '@dpar/io';
import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { sha256 } from '../feature-network.js';

/** Weights of the FID Inception-v3, by torchvision's names. */
export interface InceptionWeights {
  /** By torchvision's names, float32. */
  readonly parameters: Tensors<HostTensor>;
  /** SHA-256 of their file, 64 hexadecimal digits. */
  readonly sha256: string;
}

export const inceptionWeightsKinds: KindsOf<InceptionWeights> = { parameters: 'object', sha256: 'string', '*': 'any' };

/** First digits of the SHA-256 of pytorch-fid's file. Its name (pt_inception-2015-12-05-6726825d.pth) ends in them. */
const publishedDigits = '6726825d';

/** Checks by the SHA-256 that weights are pytorch-fid's. Metrics of other weights cannot be compared. */
export function isPublished(inceptionWeights: InceptionWeights): boolean {
  checkArguments('isPublished', { inceptionWeights }, { inceptionWeights: inceptionWeightsKinds });
  const { sha256 } = inceptionWeights;
  return sha256.startsWith(publishedDigits);
}

/**
 * Reads weights from a file in memory: pytorch-fid's file of `torch.save`, in either format, or a safetensors file with the
 * same names.
 *
 * @throws DparError if it holds no named tensors, or SHA-256 is not available (browsers offer it only on secure pages);
 * IoError if the file is refused: see `parsePyTorch` and `parseSafetensors`.
 */
export async function parseInceptionWeights(bytes: Uint8Array): Promise<InceptionWeights> {
  checkArguments('parseInceptionWeights', { bytes }, { bytes: 'Uint8Array' });
  const isSafetensors = formatOf(bytes)?.own === 'safetensors';
  const tensors = isSafetensors ? parseSafetensors(bytes).tensors : await stateDict(bytes);
  return { parameters: toHostTensors(tensors), sha256: await sha256(bytes) };
}

/** Floating-point tensors of a state_dict, without its batch counters. */
async function stateDict(bytes: Uint8Array): Promise<Map<string, StoredTensor>> {
  const { value, read } = await parsePyTorch(bytes);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of entriesOf(value) ?? []) {
    if (typeof name !== 'string' || !(tensor instanceof PyTorchTensor)) continue;
    if (!name.endsWith('.num_batches_tracked')) tensors.set(name, await read(tensor));
  }
  if (tensors.size > 0) return tensors;
  throw new DparError(
    `parseInceptionWeights: expected a state_dict with tensors by name, got ${formatPyTorchValue(value)}. ` +
      'Use pt_inception-2015-12-05-6726825d.pth of pytorch-fid.',
  );
}
