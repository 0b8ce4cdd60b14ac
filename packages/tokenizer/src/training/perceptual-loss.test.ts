import {
  createRandom,
  float32,
  type HostTensor,
  type HostTensorOf,
  named,
  type Ops,
  referenceOps as ops,
  sizeOf,
  type Tensors,
  valueAndGradients,
} from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { type PerceptualNetwork, perceptualLoss } from './perceptual-loss.js';

const random = (shape: readonly number[], seed: number): HostTensorOf<'float32'> =>
  float32(shape, createRandom(seed).fillUniform(new Float32Array(sizeOf(shape)), { low: -1, high: 1 }));

const signed = { mean: 127.5, deviation: 127.5 } as const;

/** Network whose only features are the images themselves. */
const pixels: PerceptualNetwork = { name: 'pixels', range: signed, features: (_, images) => [images] };

const weights = [random([4, 3, 3, 3], 1), random([5, 4, 2, 2], 2)] as const;

/** Network of two convolutions, with the features of both. */
const convolutions: PerceptualNetwork = {
  name: 'convolutions',
  range: signed,
  features: (ops, images) => {
    const first = ops.maximum(ops.conv2d(images, ops.constant(weights[0]), { padding: [1, 1, 1, 1] }), 0);
    return [first, ops.conv2d(first, ops.constant(weights[1]), { stride: 2 })];
  },
};

const lossOf = (network: PerceptualNetwork, a: HostTensor, b: HostTensor): number =>
  perceptualLoss(ops, network, a, b).data[0] as number;

/** Mean over positions of the squared distance of two vectors scaled to length 1, by plain loops. */
function distance(a: HostTensor, b: HostTensor): number {
  const [B = 0, C = 0, h = 0, w = 0] = a.shape;
  const at = (x: HostTensor, n: number, c: number, p: number): number => x.data[(n * C + c) * h * w + p] as number;
  let sum = 0;
  for (let n = 0; n < B; n++) {
    for (let p = 0; p < h * w; p++) {
      const norm = (x: HostTensor): number =>
        Math.sqrt(Array.from({ length: C }, (_, c) => at(x, n, c, p) ** 2).reduce((sum, square) => sum + square, 1e-8));
      const [ofA, ofB] = [norm(a), norm(b)];
      for (let c = 0; c < C; c++) sum += (at(a, n, c, p) / ofA - at(b, n, c, p) / ofB) ** 2;
    }
  }
  return sum / (B * h * w);
}

/** Input that a network of a size and range gets. */
function inputOf(network: Omit<PerceptualNetwork, 'name' | 'features'>, images: HostTensor): HostTensor {
  let seen: unknown;
  const features = <T>(_: Ops<T>, x: T): T[] => {
    seen = x;
    return [x];
  };
  perceptualLoss(ops, { name: 'spy', ...network, features }, images, images);
  return seen as HostTensor;
}

describe('perceptualLoss', () => {
  const [a, b] = [random([2, 3, 6, 8], 3), random([2, 3, 6, 8], 4)];

  it('is the mean over layers of the distances of unit features', () => {
    expect(lossOf(pixels, a, b)).toBeCloseTo(distance(a, b), 6);
    const [first, second] = [a, b].map((x) => convolutions.features(ops, x)) as [HostTensor[], HostTensor[]];
    const distances = first.map((features, layer) => distance(features, second[layer] as HostTensor));
    expect(lossOf(convolutions, a, b)).toBeCloseTo(((distances[0] ?? 0) + (distances[1] ?? 0)) / 2, 5);
  });

  it('is 0 for equal images, and at most 4 for opposite ones', () => {
    expect(lossOf(convolutions, a, a)).toBe(0);
    expect(lossOf(pixels, a, ops.neg(a))).toBeCloseTo(4, 5);
  });

  it('takes tokens and rows of features, whose channels are last', () => {
    const tokens: PerceptualNetwork = {
      ...pixels,
      features: (ops, x) => [ops.transpose(ops.reshape(x, [2, 3, 48]), [0, 2, 1])],
    };
    expect(lossOf(tokens, a, b)).toBeCloseTo(distance(a, b), 6);
    const rows: PerceptualNetwork = { ...pixels, features: (ops, x) => [ops.mean(x, { axes: [2, 3] })] };
    const means = [a, b].map((x) => ops.mean(x, { axes: [2, 3], keepDims: true })) as [HostTensor, HostTensor];
    expect(lossOf(rows, a, b)).toBeCloseTo(distance(...means), 5);
  });

  it('has gradients that agree with finite differences', () => {
    const sized = { ...convolutions, size: { width: 9, height: 5 } };
    const loss = <T>(ops: Ops<T>, x: Tensors<T>) => ({
      loss: perceptualLoss(ops, sized, named(x, 'a'), named(x, 'b')),
    });
    const { gradients } = valueAndGradients<HostTensor>(ops, loss, { a, b }, { of: 'loss', by: ['a'] });
    const direction = random(a.shape, 5).data;
    const lossAt = (step: number): number =>
      lossOf(
        sized,
        float32(
          a.shape,
          a.data.map((value, i) => value + step * (direction[i] as number)),
        ),
        b,
      );
    const slopes = [3e-3, 1e-3, 3e-4].map((step) => (lossAt(step) - lossAt(-step)) / (2 * step));
    const actual = direction.reduce((sum, value, i) => sum + value * (gradients.a?.data[i] as number), 0);
    expect(Math.min(...slopes.map((slope) => Math.abs(slope - actual)))).toBeLessThan(0.01 * Math.abs(actual));
  });

  it('has finite gradients where features are 0 and where images are equal', () => {
    const black: PerceptualNetwork = { ...pixels, features: (ops, x) => [ops.maximum(ops.sub(x, 5), 0)] };
    for (const network of [black, convolutions]) {
      const loss = <T>(ops: Ops<T>, { a }: Tensors<T>) => ({ loss: perceptualLoss(ops, network, a as T, a as T) });
      const { gradients } = valueAndGradients<HostTensor>(ops, loss, { a }, { of: 'loss', by: ['a'] });
      expect(gradients.a?.data.every(Number.isFinite)).toBe(true);
    }
  });

  it('gives the network the values that it was trained with', () => {
    const white = float32([1, 3, 1, 1], [1, 0, -1]);
    expect(inputOf({ range: signed }, white).data).toEqual(white.data);
    expect([...inputOf({ range: { mean: 0, deviation: 255 } }, white).data]).toEqual([1, 0.5, 0]);
    const imagenet = { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] } as const;
    const expected = [(255 - 123.675) / 58.395, (127.5 - 116.28) / 57.12, -103.53 / 57.375];
    inputOf({ range: imagenet }, white).data.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 5);
    });
  });

  // As torch.nn.functional.interpolate(mode='bilinear', antialias=True).
  it.each([
    [[0, 1], 4, [0, 0.25, 0.75, 1]],
    [[0, 7, 14, 21], 2, [5, 16]],
    [[0, 1, 2], 3, [0, 1, 2]],
    [[3], 2, [3, 3]],
  ])('resizes rows %j to %i pixels: %j', (row, width, expected) => {
    const images = float32([1, 3, 2, row.length], [...row, ...row, ...row, ...row, ...row, ...row]);
    const resized = inputOf({ range: signed, size: { width, height: 2 } }, images);
    expect(resized.shape).toEqual([1, 3, 2, width]);
    [...resized.data.slice(0, width)].forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 5);
    });
    const columns = ops.transpose(images, [0, 1, 3, 2]);
    const turned = inputOf({ range: signed, size: { width: 2, height: width } }, columns);
    expect(ops.transpose(turned, [0, 1, 3, 2]).data).toEqual(resized.data);
  });

  it('refuses images and features that do not fit', () => {
    expect(() => lossOf(pixels, a, random([2, 3, 8, 8], 1))).toThrow(
      'perceptualLoss: expected two batches of images [B, 3, H, W] of one shape, got [2, 3, 6, 8] and [2, 3, 8, 8]. ' +
        'Pass images and their reconstructions.',
    );
    const flat: PerceptualNetwork = { ...pixels, features: (ops, x) => [ops.reshape(x, [-1])] };
    expect(() => lossOf(flat, a, b)).toThrow(
      "perceptualLoss: expected features [B, C, h, w], [B, T, C] or [B, C] of 2 images from the network 'pixels', got [288]. " +
        "Choose other layers, or export the network with an open number of images (the input's first axis).",
    );
    expect(() => lossOf({ ...pixels, features: () => [] }, a, b)).toThrow('got none');
  });
});
