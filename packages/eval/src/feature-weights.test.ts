import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { formatSafetensors, fromHostTensor, pytorchChunks } from '@dpar/io';
import { DparError, float32 } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { parseFeatureWeights } from './feature-weights.js';
import { isPublished } from './inception/inception-network.js';
import { loadFeatureWeights } from './load-feature-weights.js';

const tensors = { 'fc.weight': float32([2, 2], [1, 2, 3, 4]), 'fc.bias': float32([2], [5, 6]) };

async function concatenated(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return new Uint8Array(Buffer.concat(all));
}

describe('parseFeatureWeights', () => {
  it('reads safetensors and PyTorch files', async () => {
    const stored = Object.entries(tensors).map(([name, tensor]) => [name, fromHostTensor(tensor)] as const);
    const files = [formatSafetensors(tensors), await concatenated(pytorchChunks(new Map(stored)))];
    for (const file of files) {
      const { parameters } = await parseFeatureWeights(file);
      expect({ ...parameters }).toEqual(tensors);
    }
  });

  it('reads the format before PyTorch 1.6, without counters of batches', async () => {
    const { parameters } = await loadFeatureWeights(fixturePath('torch-pt/legacy-state-dict.pt'));
    const shapes = Object.entries(parameters).map(([name, { shape }]) => [name, shape]);
    expect(shapes).toEqual([
      ['conv.weight', [2, 3, 1, 1]],
      ['bn.weight', [2]],
      ['bn.bias', [2]],
      ['bn.running_mean', [2]],
      ['bn.running_var', [2]],
    ]);
    expect(Array.from(parameters['conv.weight']?.data ?? [])).toEqual([0, 0.25, 0.5, 0.75, 1, 1.25]);
    expect(Array.from(parameters['bn.running_var']?.data ?? [])).toEqual([1.5, 2.5]);
  });

  it('knows the published file by its digest', async () => {
    const { sha256 } = await parseFeatureWeights(formatSafetensors({}));
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(isPublished({ parameters: {}, sha256 })).toBe(false);
    expect(isPublished({ parameters: {}, sha256: `6726825d${sha256.slice(8)}` })).toBe(true);
  });

  it('refuses other values and files that are not there', async () => {
    const list = await concatenated(pytorchChunks([1, 2, 3]));
    await expect(parseFeatureWeights(list)).rejects.toThrow(/expected a state_dict .* got a list/);
    await expect(loadFeatureWeights('nowhere.pth')).rejects.toThrow(
      /at 'nowhere\.pth', got ENOENT.*Download pt_inception/s,
    );
    await expect(loadFeatureWeights('nowhere.pth')).rejects.toBeInstanceOf(DparError);
    const folder = await mkdtemp(join(tmpdir(), 'dpar-eval-'));
    const listed = join(folder, 'list.pth');
    await writeFile(listed, list);
    await expect(loadFeatureWeights(listed)).rejects.toThrow(`by name in '${listed}', got a list`);
    await writeFile(join(folder, 'page.pth'), '<!DOCTYPE html> saved by mistake');
    await expect(loadFeatureWeights(join(folder, 'page.pth'))).rejects.toThrow(
      /loadFeatureWeights: expected weights .*page\.pth', got an HTML page\. Download the file itself/,
    );
    await rm(folder, { recursive: true });
  });
});
