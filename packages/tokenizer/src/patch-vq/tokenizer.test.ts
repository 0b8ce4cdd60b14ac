import { createRandom, createReferenceEngine, float32, int32, referenceOps, valueAndGradients } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../create-tokenizer.js';
import { initializePatchVq, patchVqDecode, patchVqLoss, patchVqTrainable } from './model.js';
import { patchVqKind } from './tokenizer.js';

const config = { imageSize: 6, patchSize: 2, codebookSize: 5, hiddenDim: 3 };
const engine = createReferenceEngine();

function randomParameters() {
  const codebook = createRandom(2).fillUniform(new Float32Array(60), { low: -1, high: 1 });
  return initializePatchVq(config, float32([5, 12], codebook), 1);
}

/** The decoder written out with loops, for one image. */
function decodeByHand(parameters: Record<string, { data: ArrayLike<number> }>, codes: readonly number[]) {
  const at = (name: string, i: number): number => parameters[name]?.data[i] as number;
  const image = new Float32Array(3 * 6 * 6);
  codes.forEach((code, cell) => {
    const [row, column] = [Math.floor(cell / 3), cell % 3];
    const hidden = [0, 1, 2].map((f) => {
      let sum = at('decoder.context.bias', f);
      for (let n = 0; n < 9; n++) {
        const [r, c] = [row + Math.floor(n / 3) - 1, column + (n % 3) - 1];
        if (r < 0 || r > 2 || c < 0 || c > 2) continue;
        const neighbour = codes[3 * r + c] as number;
        for (let d = 0; d < 12; d++) {
          sum +=
            at('decoder.context.weight', 108 * f + 12 * n + d) * at('decoder.embedding.weight', 12 * neighbour + d);
        }
      }
      return sum / (1 + Math.exp(-sum));
    });
    for (let i = 0; i < 12; i++) {
      const [channel, y, x] = [Math.floor(i / 4), Math.floor(i / 2) % 2, i % 2];
      const correction = hidden.reduce((sum, h, f) => sum + h * at('decoder.output.weight', 3 * i + f), 0);
      image[36 * channel + 6 * (2 * row + y) + 2 * column + x] = at('codebook.weight', 12 * code + i) + correction;
    }
  });
  return image;
}

describe('patch VQ', () => {
  it('encodes an image of codebook patches to their codes and, untrained, decodes it without a change', async () => {
    const tokenizer = patchVqKind.create(engine, config, randomParameters());
    expect([tokenizer.codebookSize, tokenizer.gridSize, tokenizer.imageSize, tokenizer.factor]).toEqual([5, 3, 6, 2]);
    const codes = int32(
      [70, 9],
      Array.from({ length: 630 }, (_, i) => (i * i + (i >> 3)) % 5),
    ); // more than a chunk
    const images = await tokenizer.decode(codes);
    expect(images.shape).toEqual([70, 3, 6, 6]);
    expect(await tokenizer.encode(images)).toEqual(codes);
  });

  it('corrects each patch by its neighbourhood', async () => {
    const parameters = randomParameters();
    createRandom(3).fillNormal(parameters['decoder.output.weight']?.data as Float32Array);
    createRandom(4).fillNormal(parameters['decoder.context.bias']?.data as Float32Array);
    const codes = [0, 1, 2, 3, 4, 0, 2, 2, 1];
    const decoded = patchVqDecode(referenceOps, config, parameters, int32([1, 9], codes));
    const expected = decodeByHand(parameters, codes);
    decoded.data.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 5);
    });
  });

  it('has a loss whose gradient lowers it', () => {
    const parameters = randomParameters();
    const codes = int32(
      [2, 9],
      Array.from({ length: 18 }, (_, i) => i % 5),
    );
    const images = float32([2, 3, 6, 6], createRandom(6).fillUniform(new Float32Array(216), { low: -1, high: 1 }));
    const loss = () => patchVqLoss(referenceOps, config, parameters, codes, images).data[0] as number;
    const before = loss();
    const { gradients } = valueAndGradients(
      referenceOps,
      (ops, inputs) => ({
        loss: patchVqLoss(ops, config, inputs, ops.constant(codes), ops.constant(images)),
      }),
      parameters,
      { of: 'loss', by: patchVqTrainable(config) },
    );
    let slope = 0;
    for (const [name, gradient] of Object.entries(gradients)) {
      gradient.data.forEach((g, i) => {
        slope -= 1e-3 * g * g;
        (parameters[name]?.data as Float32Array)[i] = (parameters[name]?.data[i] as number) - 1e-3 * g;
      });
    }
    expect(slope).toBeLessThan(0);
    expect((loss() - before) / slope).toBeCloseTo(1, 2);
  });

  it('reads and writes its config.json', () => {
    const json = patchVqKind.writeConfig(config);
    expect(json).toEqual({
      kind: 'patch-vq',
      image_size: 6,
      patch_size: 2,
      codebook_size: 5,
      hidden_dim: 3,
    });
    expect(patchVqKind.readConfig(json)).toEqual(config);
    expect(() => patchVqKind.readConfig({ ...json, patch_size: 4 })).toThrow(
      "'patch_size' to divide 'image_size' 6, got 4",
    );
  });

  it('names what does not fit', async () => {
    const tokenizer = patchVqKind.create(engine, config, randomParameters());
    await expect(tokenizer.encode(float32([1, 3, 4, 5]))).rejects.toThrow(
      'encode: expected images [B, 3, H, W] with sides that 2 divides, got [1, 3, 4, 5]. Crop or resize the images.',
    );
    await expect(tokenizer.encode(float32([1, 1, 4, 4]))).rejects.toThrow('got [1, 1, 4, 4]');
    const bytes = new Uint8Array(48) as never;
    await expect(tokenizer.encode(bytes)).rejects.toThrow('got no tensor. Make them with imagesFromBytes.');
    await expect(tokenizer.decode(bytes)).rejects.toThrow('expected codes of type int32, got no tensor.');
    await expect(tokenizer.decode(int32([1, 6]))).rejects.toThrow(
      'decode: expected codes [B, T] of square images or [B, rows, columns], got [1, 6]',
    );
    await expect(tokenizer.decode(int32([1, 9], [0, 0, 0, 0, 0, 0, 0, 0, 5]))).rejects.toThrow('codes in 0..4, got 5');
    expect(() => createTokenizer(engine, { kind: patchVqKind, config, parameters: {} })).toThrow(
      'missing codebook.weight',
    );
  });
});
