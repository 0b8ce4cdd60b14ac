import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { inceptionParameters } from '@dpar/eval';
import { type OnnxDescription, onnxModel } from '@dpar/fixtures';
import { fromHostTensor } from '@dpar/io';
import { writeSafetensors } from '@dpar/io/node';
import { createRandom, float32, named, type TensorFunction, typeOps, valueAndGradients } from '@dpar/tensor';
import { type PerceptualNetwork, perceptualLoss } from '@dpar/tokenizer';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadPerceptualNetwork } from './load-network.js';

const weight = {
  name: 'w',
  shape: [4, 3, 3, 3],
  data: createRandom(1).fillNormal(new Float32Array(108)),
} as const;

/** Network of a convolution and a pooling, with both as outputs. */
function network(
  shape: readonly (number | string)[] = ['batch', 3, 'height', 'width'],
  rest: Partial<OnnxDescription> = {},
): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'images', shape }],
    outputs: [
      { name: 'maps', shape: [] },
      { name: 'pooled', shape: [] },
    ],
    operators: [
      { op: 'Conv', inputs: ['images', 'w'], outputs: ['maps'] },
      { op: 'Relu', inputs: ['maps'], outputs: ['relu'] },
      { op: 'MaxPool', inputs: ['relu'], outputs: ['pooled'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
    ],
    constants: [weight],
    ...rest,
  });
}

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function written(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** Shapes of the features of two images. */
function shapesOf(found: PerceptualNetwork, height: number, width = height): (readonly number[])[] {
  return found.features(typeOps, { dtype: 'float32', shape: [2, 3, height, width] }).map(({ shape }) => shape);
}

describe('an ONNX file', () => {
  it('is a network for images of any size with all outputs', async () => {
    const { name, digest, network: found } = await loadPerceptualNetwork(await written('any.onnx', network()));
    expect([name, found.name, found.size]).toEqual(['any.onnx', 'any.onnx', undefined]);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(shapesOf(found, 10, 12)).toEqual([
      [2, 4, 8, 10],
      [2, 4, 4, 5],
    ]);
    expect(found.range).toEqual({ mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] });
  });

  it('has the size that it was exported for, the layers and the range that are asked for', async () => {
    const path = await written('fixed.onnx', network(['batch', 3, 16, 20]));
    const { network: found } = await loadPerceptualNetwork(path, { layers: ['relu'], range: 'signed' });
    expect(found.size).toEqual({ width: 20, height: 16 });
    expect(shapesOf(found, 16, 20)).toEqual([[2, 4, 14, 18]]);
    expect(found.range).toEqual({ mean: 127.5, deviation: 127.5 });
    const any = await loadPerceptualNetwork(await written('any.onnx', network()), { size: 32 });
    expect(any.network.size).toEqual({ width: 32, height: 32 });
  });

  it('gives a loss with gradients, whose weights are constants of the graph', async () => {
    const path = await written('any.onnx', network());
    const { network: found } = await loadPerceptualNetwork(path);
    const engine = await createOrtEngine();
    const loss: TensorFunction = (ops, x) => ({ loss: perceptualLoss(ops, found, named(x, 'a'), named(x, 'b')) });
    const step: TensorFunction = (ops, x) => {
      const { outputs, gradients } = valueAndGradients(ops, loss, x, { of: 'loss', by: ['a'] });
      return { loss: named(outputs, 'loss'), gradient: named(gradients, 'a') };
    };
    const images = (seed: number) => float32([2, 3, 8, 8], createRandom(seed).fillNormal(new Float32Array(384)));
    const compiled = engine.compile(step);
    let a = images(1);
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const found = await compiled.run({ a, b: images(2) });
      losses.push(named(found, 'loss').data[0] as number);
      const { data } = named(found, 'gradient');
      a = float32(
        a.shape,
        a.data.map((value, j) => value - 20 * (data[j] as number)),
      );
    }
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] as number));
    await engine.dispose();
  });

  it('may have its weights in another file, which the digest covers', async () => {
    const inside = await loadPerceptualNetwork(await written('any.onnx', network()));
    const path = await written(
      'outside.onnx',
      network(undefined, { constants: [{ ...weight, file: 'outside.onnx.data' }] }),
    );
    await expect(loadPerceptualNetwork(path)).rejects.toThrow(
      /expected a file of a network at '.*outside\.onnx\.data', got no such file\..* must lie beside its ONNX file/,
    );
    await written('outside.onnx.data', new Uint8Array(weight.data.buffer));
    const outside = await loadPerceptualNetwork(path);
    expect(shapesOf(outside.network, 10)).toEqual(shapesOf(inside.network, 10));
    const changed = weight.data.map((value) => value + 1);
    await written('outside.onnx.data', new Uint8Array(changed.buffer));
    expect((await loadPerceptualNetwork(path)).digest).not.toBe(outside.digest);
  });

  it('may not read files of other folders', async () => {
    await mkdir(join(folder, 'inner'), { recursive: true });
    const bytes = network(undefined, { constants: [{ ...weight, file: '../outside.onnx.data' }] });
    await expect(loadPerceptualNetwork(await written('inner/leaves.onnx', bytes))).rejects.toThrow(
      /expected external data in the folder of '.*leaves\.onnx', got '\.\.\/outside\.onnx\.data'/,
    );
  });

  it.each<readonly [string, Uint8Array | string, object, RegExp]>([
    [
      'images with channels last',
      network(['batch', 8, 8, 3]),
      {},
      /expected one input of images \[B, 3, H, W\] in 'x\.onnx', got 'images' \[batch, 8, 8, 3\]/,
    ],
    [
      'another size',
      network(['batch', 3, 16, 16]),
      { size: 32 },
      /expected a 'size' that fits 'x\.onnx', whose images have 16x16 pixels, got 32/,
    ],
    ['a size that is none', network(), { size: 0 }, /expected 'size' to be a whole number of pixels >= 1, got 0/],
    [
      'a range that is none',
      network(),
      { range: 'imagnet' },
      /expected 'range' to be one of bytes, unit, signed, imagenet, clip/,
    ],
    [
      'an option that is none',
      network(),
      { layer: ['maps'] },
      /unknown option 'options\.layer'|unknown option 'layer'/,
    ],
    [
      'features without an axis of images',
      network(['batch', 3, 8, 8], {
        operators: [{ op: 'ReduceMean', inputs: ['images'], outputs: ['maps'] }],
        outputs: [{ name: 'maps', shape: [] }],
      }),
      {},
      /expected features \[B, C, h, w\], \[B, T, C\] or \[B, C\] of each image in 'maps' of 'x\.onnx', got float32\[1, 1, 1, 1\]/,
    ],
    [
      'a file that is no network',
      '<!DOCTYPE html><html></html>',
      {},
      /expected an ONNX file or pytorch-fid's weights in '.*x\.onnx', got an HTML page/,
    ],
    ['bytes that are nothing', Uint8Array.of(8, 7, 255), {}, /expected an ONNX file, got 3 bytes/],
  ])('refuses %s', async (_, bytes, options, message) => {
    await expect(loadPerceptualNetwork(await written('x.onnx', bytes), options)).rejects.toThrow(message);
  });

  it('refuses a path without a file', async () => {
    await expect(loadPerceptualNetwork(join(folder, 'none.onnx'))).rejects.toThrow(
      /^loadPerceptualNetwork: expected a file of a network at '.*none\.onnx', got no such file\. Check the path/,
    );
  });
});

describe("pytorch-fid's Inception-v3", () => {
  it('gives the ends of its stages', async () => {
    const tensors = new Map([...inceptionParameters()].map(([name, shape]) => [name, fromHostTensor(float32(shape))]));
    const path = join(folder, 'inception.safetensors');
    await writeSafetensors(path, tensors);
    const { name, network: found } = await loadPerceptualNetwork(path);
    expect(name).toBe('Inception-v3 with other weights than pytorch-fid');
    expect([found.size, found.range]).toEqual([
      { width: 299, height: 299 },
      { mean: 127.5, deviation: 127.5 },
    ]);
    expect(shapesOf(found, 299)).toEqual([
      [2, 64, 73, 73],
      [2, 192, 35, 35],
      [2, 768, 17, 17],
      [2, 2048, 8, 8],
    ]);
    const smallest = await loadPerceptualNetwork(path, { size: 75, layers: ['2048', '64'] });
    expect(shapesOf(smallest.network, 75)).toEqual([
      [2, 2048, 1, 1],
      [2, 64, 17, 17],
    ]);
    await expect(loadPerceptualNetwork(path, { size: 74 })).rejects.toThrow(
      /at least 75 pixels for Inception-v3, got 74/,
    );
    await expect(loadPerceptualNetwork(path, { layers: ['mixed'] })).rejects.toThrow(
      /expected 'layers' of Inception-v3 among 64, 192, 768, 2048 \(channels of its stages\), got 'mixed'/,
    );
  });
});
