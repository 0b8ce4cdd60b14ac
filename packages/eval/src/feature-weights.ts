import type { KindsOf } from '@dpar/check';
import {
  entriesOf,
  formatOf,
  formatPyTorchValue,
  type PyTorchContent,
  PyTorchTensor,
  parsePyTorch,
  parseSafetensors,
  type StoredTensor,
  toHostTensors,
} from '@dpar/io';
import { DparError, formatType, type HostTensor, type Shape, sameShape, type Tensors } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { sha256 } from './feature-network.js';

/** Weights of a feature network. */
export interface FeatureWeights {
  /** By their names in the file, float32. */
  readonly parameters: Tensors<HostTensor>;
  /** SHA-256 of their file, 64 hexadecimal digits. */
  readonly sha256: string;
}

export const featureWeightsKinds: KindsOf<FeatureWeights> = { parameters: 'object', sha256: 'string', '*': 'any' };

/** Files of weights, for error messages. */
export const weightFiles =
  'pt_inception-2015-12-05-6726825d.pth of pytorch-fid, or dinov2_vitl14_pretrain.pth of facebookresearch/dinov2';

/**
 * Reads weights from a file in memory: a state_dict of `torch.save`, in either format, or a safetensors file.
 *
 * @throws DparError if it holds no named tensors, or SHA-256 is not available (browsers offer it only on secure pages);
 * IoError if the file is refused: see `parsePyTorch` and `parseSafetensors`.
 */
export async function parseFeatureWeights(bytes: Uint8Array): Promise<FeatureWeights> {
  checkArguments('parseFeatureWeights', { bytes }, { bytes: 'Uint8Array' });
  const isSafetensors = formatOf(bytes)?.own === 'safetensors';
  const tensors = isSafetensors
    ? parseSafetensors(bytes).tensors
    : await readStateDict('parseFeatureWeights', await parsePyTorch(bytes));
  return { parameters: toHostTensors(tensors), sha256: await sha256(bytes) };
}

/**
 * Reads the tensors of a state_dict, without its batch counters.
 * @param place Place of the file in error messages, such as ` in 'inception.pth'`.
 * @throws DparError if it has none.
 */
export async function readStateDict(
  caller: string,
  { value, read }: Pick<PyTorchContent, 'value' | 'read'>,
  place = '',
): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of entriesOf(value) ?? []) {
    if (typeof name !== 'string' || !(tensor instanceof PyTorchTensor)) continue;
    if (!name.endsWith('.num_batches_tracked')) tensors.set(name, await read(tensor));
  }
  if (tensors.size > 0) return tensors;
  throw new DparError(
    `${caller}: expected a state_dict with tensors by name${place}, got ${formatPyTorchValue(value)}. Use ${weightFiles}.`,
  );
}

/**
 * Checks that weights have the parameters of a network. Others are ignored.
 * @param network Name of the function and of the network, and the remedy, for error messages.
 * @throws DparError that names parameters that are missing or of another shape.
 */
export function checkParameters(
  parameters: Tensors<HostTensor>,
  expected: ReadonlyMap<string, Shape>,
  network: { readonly caller: string; readonly name: string; readonly remedy: string },
): void {
  const wrong: string[] = [];
  for (const [name, shape] of expected) {
    const found = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (found === undefined) wrong.push(`no '${name}'`);
    else if (found.dtype !== 'float32' || !sameShape(found.shape, shape)) {
      wrong.push(`'${name}' as ${formatType(found)}, not ${formatType({ dtype: 'float32', shape })}`);
    }
  }
  if (wrong.length === 0) return;
  const shown = wrong.slice(0, 3).join(', ') + (wrong.length > 3 ? ` and ${wrong.length - 3} more` : '');
  throw new DparError(
    `${network.caller}: expected the parameters of ${network.name} (${expected.size} of them), got ${shown}. ${network.remedy}`,
  );
}
