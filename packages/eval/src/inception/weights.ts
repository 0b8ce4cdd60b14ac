import type { KindsOf } from '@dpar/check';
import { entriesOf, PyTorchTensor, parsePyTorch, parseSafetensors, type StoredTensor, toHostTensors } from '@dpar/io';
import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { sha256 } from '../feature-network.js';

/** Weights of the FID Inception-v3, by torchvision's names. */
export interface InceptionWeights {
  /** By torchvision's names, float32. */
  readonly parameters: Tensors<HostTensor>;
  /** SHA-256 of the file that they come from, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Kinds of {@link InceptionWeights}. */
export const inceptionWeightsKinds: KindsOf<InceptionWeights> = { parameters: 'object', sha256: 'string', '*': 'any' };

/**
 * The first 8 of the 64 hexadecimal digits of the SHA-256 of pytorch-fid's file: by the convention of torch.hub, its name
 * (pt_inception-2015-12-05-6726825d.pth) says them.
 */
const publishedDigits = '6726825d';

/** Whether weights are pytorch-fid's, by the first 8 digits of the SHA-256: with others, figures cannot be compared. */
export function isPublished(inceptionWeights: InceptionWeights): boolean {
  checkArguments('isPublished', { inceptionWeights }, { inceptionWeights: inceptionWeightsKinds });
  const { sha256 } = inceptionWeights;
  return sha256.startsWith(publishedDigits);
}

/**
 * Reads weights from a file in memory: pytorch-fid's, of `torch.save` in either format, or a safetensors file with the
 * same names.
 *
 * @throws DparError if it holds no tensors by name, or SHA-256 cannot be computed (browsers do so on secure pages only);
 * IoError if the file is refused: see `parsePyTorch` and `parseSafetensors`.
 */
export async function parseInceptionWeights(bytes: Uint8Array): Promise<InceptionWeights> {
  checkArguments('parseInceptionWeights', { bytes }, { bytes: 'Uint8Array' });

  const tensors = isSafetensors(bytes) ? parseSafetensors(bytes).tensors : await stateDict(bytes);
  return { parameters: toHostTensors(tensors), sha256: await sha256(bytes) };
}

/** Whether the header begins where that of a safetensors file does. PyTorch files have zeros or a pickle's data there. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b && !(bytes[0] === 0x50 && bytes[1] === 0x4b); // '{', and no 'PK'
}

/** The floating-point tensors of a state_dict; counters of batches are none. */
async function stateDict(bytes: Uint8Array): Promise<Map<string, StoredTensor>> {
  const { value, read } = await parsePyTorch(bytes);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of entriesOf(value) ?? []) {
    if (typeof name !== 'string' || !(tensor instanceof PyTorchTensor)) continue;
    if (!name.endsWith('.num_batches_tracked')) tensors.set(name, await read(tensor));
  }
  if (tensors.size > 0) return tensors;
  throw new DparError(
    'parseInceptionWeights: expected a state_dict, tensors by name, got another value. ' +
      'Use pt_inception-2015-12-05-6726825d.pth of pytorch-fid.',
  );
}
