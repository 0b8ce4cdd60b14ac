import { open } from 'node:fs/promises';
import { formatOf, type StoredTensor, toHostTensors } from '@dpar/io';
import { fileDigest, openPyTorch, openSafetensors } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type FeatureWeights, readStateDict, weightFiles } from './feature-weights.js';

/** Bytes at the start of a file that `formatOf` needs. */
const formatBytes = 512;

/**
 * Loads weights of a feature network from a file of any size, tensor by tensor; see `parseFeatureWeights`.
 * @throws DparError if the file is missing or has another format, and the errors of `parseFeatureWeights`.
 */
export async function loadFeatureWeights(path: string): Promise<FeatureWeights> {
  checkArguments('loadFeatureWeights', { path }, { path: 'string' });
  const format = formatOf(await firstBytes(path));
  if (format !== undefined && format.own !== 'pytorch' && format.own !== 'safetensors') {
    throw new DparError(
      `loadFeatureWeights: expected weights of a feature network (torch.save or safetensors) in '${path}', got ${format.what}. ` +
        format.remedy,
    );
  }
  const tensors = format?.own === 'safetensors' ? await readSafetensorsFile(path) : await readPyTorchFile(path);
  return { parameters: toHostTensors(tensors), sha256: await fileDigest(path) };
}

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(formatBytes), 0, formatBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new DparError(
      `loadFeatureWeights: expected a readable file at '${path}', got ${cause instanceof Error ? cause.message : cause}. ` +
        `Download ${weightFiles}.`,
      { cause },
    );
  }
}

async function readPyTorchFile(path: string): Promise<Map<string, StoredTensor>> {
  const file = await openPyTorch(path);
  try {
    return await readStateDict('loadFeatureWeights', file, ` in '${path}'`);
  } finally {
    await file.close();
  }
}

async function readSafetensorsFile(path: string): Promise<Map<string, StoredTensor>> {
  const file = await openSafetensors(path);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const name of file.names) tensors.set(name, await file.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}
