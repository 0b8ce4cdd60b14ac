import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { type OnnxDescription, onnxModel } from '@dpar/fixtures';
import type { RgbImage } from '@dpar/images';
import { DparError } from '@dpar/tensor';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createOnnxNetwork, type OnnxNetworkOptions, valueRanges } from '../index.js';
import { openOnnxModel } from './onnx-file.js';

type Value = OnnxDescription['inputs'][number];
type Operator = OnnxDescription['operators'][number];

const elementTypes = { float32: 1, float16: 10, float64: 11, int64: 7 } as const;

/** Axes as Hugging Face's exporters name them. */
const open = ['batch_size', 'num_channels', 'height', 'width'];

const pixels = (shape: readonly (number | string)[] = open, type: Value['type'] = 'float32'): Value => ({
  name: 'pixel_values',
  type,
  shape,
});

const cast = (from: string, to: string, type: keyof typeof elementTypes): Operator => ({
  op: 'Cast',
  inputs: [from],
  outputs: [to],
  attributes: { to: elementTypes[type] },
});

/** `means` [N, 3] of images [N, 3, H, W] of any type. */
const means = (input = 'pixel_values'): Operator[] => [
  cast(input, 'floats', 'float32'),
  { op: 'ReduceMean', inputs: ['floats'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
];

/** A model that gives the means of the channels as one output. */
function model(input: Value, output: Value = { name: 'pooler_output', shape: ['batch_size', 3] }): Uint8Array {
  const to = output.type ?? 'float32';
  const operators = [...means(input.name), cast('means', output.name, to as keyof typeof elementTypes)];
  return onnxModel({ inputs: [input], outputs: [output], operators });
}

/** Tokens: twice the means as class token, then the means and zeros. */
const tokens: Operator[] = [
  { op: 'Add', inputs: ['means', 'means'], outputs: ['twice'] },
  { op: 'Sub', inputs: ['means', 'means'], outputs: ['zeros'] },
  ...['twice', 'means', 'zeros'].map((name) => ({
    op: 'Unsqueeze',
    inputs: [name, 'one'],
    outputs: [`${name}_token`],
  })),
  {
    op: 'Concat',
    inputs: ['twice_token', 'means_token', 'zeros_token'],
    outputs: ['last_hidden_state'],
    attributes: { axis: 1 },
  },
];
const one = { name: 'one', shape: [1], data: BigInt64Array.of(1n) };
const hidden: Value = { name: 'last_hidden_state', shape: ['batch_size', 'sequence_length', 3] };

const images: RgbImage[] = [
  { width: 5, height: 4, data: new Uint8Array(60).map((_, i) => [255, 0, 51][i % 3] as number) },
  { width: 2, height: 3, data: new Uint8Array(18).map((_, i) => [10, 102, 20][i % 3] as number) },
];
const bytes = [255, 0, 51, 10, 102, 20];
const options: OnnxNetworkOptions = { range: 'bytes', size: 4 };

/** Features of the two images, rounded. */
async function poolOf(file: Uint8Array, given = options): Promise<number[]> {
  const network = await createOnnxNetwork(ort, file, given);
  const { pool } = await network.extract(images);
  await network.dispose();
  return Array.from(pool.data, (value) => Math.round(value * 100) / 100);
}

describe('inputs', () => {
  it.each<[string, Value]>([
    ['open axes with the names of optimum', pixels()],
    ['open axes with short names', { name: 'x', shape: ['N', 'C', 'H', 'W'] }],
    ['open channels and a fixed size', { name: 'x', shape: ['b', 'dim', 4, 4] }],
    ['open axes without names, as pixel_values', pixels(['', '', '', ''])],
    ['3 channels, and a height of 3', { name: 'x', shape: ['batch', 3, 'height', 3] }],
    ['a fixed shape', { name: 'x', shape: [1, 3, 4, 4] }],
  ])('reads NCHW of %s', async (_, input) => {
    expect(
      await poolOf(model(input), { range: 'bytes', ...(input.shape.at(-1) === 3 ? { size: 3 } : options) }),
    ).toEqual(bytes);
  });

  it.each<[string, readonly (number | string)[]]>([
    ['named axes', ['batch', 'height', 'width', 'channels']],
    ['open channels and a fixed size', ['unk__1', 4, 4, 'unk__2']],
    ['3 channels', ['unk__1', 'unk__2', 'unk__3', 3]],
  ])('reads NHWC of %s', async (_, shape) => {
    const file = onnxModel({
      inputs: [{ name: 'input_1', shape }],
      outputs: [{ name: 'y', shape: ['batch', 3] }],
      operators: [{ op: 'ReduceMean', inputs: ['input_1'], outputs: ['y'], attributes: { axes: [1, 2], keepdims: 0 } }],
    });
    expect(await poolOf(file)).toEqual(bytes);
  });

  it.each(['float16', 'float64'] as const)('takes %s', async (type) => {
    expect(await poolOf(model(pixels(open, type)))).toEqual(bytes);
    const unit = await poolOf(model(pixels(open, type)), { ...options, range: 'unit' });
    expect(unit).toEqual([1, 0, 0.2, 0.04, 0.4, 0.08]);
  });

  it('takes uint8, whose range is that of bytes', async () => {
    const file = model(pixels(open, 'uint8'));
    expect(await poolOf(file, { size: 4 })).toEqual(bytes);
    expect(await poolOf(file)).toEqual(bytes);
    await expect(poolOf(file, { ...options, range: 'imagenet' })).rejects.toThrow(
      `expected the range 'bytes' for a uint8 input, got "imagenet".`,
    );
  });

  it('fills in the texts of a model of both', async () => {
    const texts = { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['text_embeds'], attributes: { axis: 0 } };
    const file = onnxModel({
      inputs: [
        { name: 'input_ids', type: 'int64', shape: ['text_batch_size', 'sequence_length'] },
        pixels(),
        { name: 'attention_mask', type: 'int64', shape: ['text_batch_size', 'sequence_length'] },
      ],
      outputs: [
        { name: 'logits_per_image', shape: ['batch_size', 'text_batch_size'] },
        { name: 'text_embeds', shape: ['text_batch_size', 'sequence_length'] },
        { name: 'image_embeds', shape: ['batch_size', 3] },
      ],
      operators: [
        ...means(),
        texts,
        { op: 'Identity', inputs: ['means'], outputs: ['image_embeds'] },
        { op: 'ReduceMean', inputs: ['means'], outputs: ['logits_per_image'], attributes: { axes: [1] } },
        { op: 'Identity', inputs: ['attention_mask'], outputs: ['unused'] },
      ],
      constants: [{ name: 'table', shape: [2], data: Float32Array.of(1, 2) }],
    });
    expect(await poolOf(file)).toEqual(bytes);
  });
});

describe('outputs', () => {
  it.each(['float16', 'float64'] as const)('are taken as %s', async (type) => {
    expect(await poolOf(model(pixels(), { name: 'y', type, shape: ['batch_size', 3] }))).toEqual(bytes);
  });

  it('are those with pooled features beside tokens', async () => {
    const operators = [...means(), ...tokens, cast('means', 'pooler_output', 'float32')];
    const outputs = [hidden, { name: 'pooler_output', shape: ['batch_size', 3] }];
    const file = onnxModel({ inputs: [pixels()], outputs, operators, constants: [one] });
    expect(await poolOf(file)).toEqual(bytes);
    expect(await poolOf(file, { ...options, tokens: 'first' })).toEqual(bytes.map((value) => 2 * value));
  });

  it('are image_embeds before pooler_output, which the name says', async () => {
    const operators = [...means(), cast('means', 'image_embeds', 'float32'), cast('means', 'half', 'float16')];
    const outputs = [
      { name: 'pooler_output', shape: ['batch_size', 3] },
      { name: 'image_embeds', shape: ['batch_size', 3] },
    ];
    const twice = { op: 'Add', inputs: ['means', 'means'], outputs: ['pooler_output'] };
    const file = onnxModel({ inputs: [pixels()], outputs, operators: [...operators, twice] });
    expect(await poolOf(file)).toEqual(bytes);
    expect(await poolOf(file, { ...options, outputs: { pool: 'pooler_output' } })).toEqual(bytes.map((v) => 2 * v));
    const network = await createOnnxNetwork(ort, file, options);
    expect(network.name).toContain(", output 'image_embeds'");
    await network.dispose();
  });

  it('may be tokens, pooled as it is said', async () => {
    const file = onnxModel({
      inputs: [pixels()],
      outputs: [hidden],
      operators: [...means(), ...tokens],
      constants: [one],
    });
    await expect(poolOf(file)).rejects.toThrow(
      "got 'last_hidden_state' [batch_size, 3, 3]. Pass 'tokens' (first for the class token, or mean),",
    );
    expect(await poolOf(file, { ...options, tokens: 'first' })).toEqual(bytes.map((value) => 2 * value));
    expect(await poolOf(file, { ...options, tokens: 'mean' })).toEqual(bytes);
    await expect(poolOf(file, { ...options, outputs: { pool: 'last_hidden_state' } })).rejects.toThrow(
      "got a sequence of tokens [2, 3, 3]. Pass 'tokens' (first for the class token, or mean).",
    );
  });

  it('of whole numbers are refused, and NaN', async () => {
    const ids = { name: 'ids', type: 'int64' as const, shape: ['batch_size', 3] };
    await expect(poolOf(model(pixels(), ids))).rejects.toThrow(
      "expected an output of float32, float16, float64, got 'ids' [batch_size, 3] of int64.",
    );
    const file = onnxModel({
      inputs: [pixels()],
      outputs: [{ name: 'y', shape: ['batch_size', 3] }],
      operators: [...means(), { op: 'Log', inputs: ['means'], outputs: ['y'] }],
    });
    await expect(poolOf(file)).rejects.toThrow(
      "extract: expected finite numbers in the output 'y', got -Infinity for image 0 of 2 in a batch.",
    );
    const large = [
      ...means(),
      { op: 'Mul', inputs: ['means', 'thousand'], outputs: ['many'] },
      cast('many', 'y', 'float16'),
    ];
    const half = onnxModel({
      inputs: [pixels()],
      outputs: [{ name: 'y', type: 'float16', shape: ['batch_size', 3] }],
      operators: large,
      constants: [{ name: 'thousand', shape: [1], data: Float32Array.of(1000) }],
    });
    await expect(poolOf(half)).rejects.toThrow('exceed the range of float16');
  });
});

describe('messages', () => {
  it.each<[string, Value[], OnnxNetworkOptions, string]>([
    ['axes without names', [{ name: 'x', shape: ['', '', '', ''] }], options, "got 'x' [?, ?, ?, ?]. Pass 'layout'."],
    ['no size', [pixels()], { range: 'unit' }, "Pass the size of the training images as 'size'."],
    ['no range', [pixels()], { size: 4 }, "Pass 'range'. The network's model card states it."],
    ['whole numbers', [pixels(open, 'int64')], options, 'expected an input of float32, float16, float64, uint8, got'],
    ['grey images', [pixels(['batch', 1, 'height', 'width'])], options, 'expected images of 3 channels in NCHW, got'],
    [
      'two images',
      [pixels(), { ...pixels(), name: 'mask' }],
      options,
      "Pass the name of the input of images as 'input'.",
    ],
    [
      'a time',
      [pixels(), { name: 'time', shape: [1] }],
      options,
      'expected no inputs besides images and texts (input_ids, ',
    ],
    ['no layout', [pixels()], { ...options, layout: 'nchw' as 'NCHW' }, "to be 'NCHW' or 'NHWC', got 'nchw'"],
    [
      'no such range',
      [pixels()],
      { ...options, range: 'clipp' as 'clip' },
      "or 'clip' or an object with mean, deviation, got 'clipp'",
    ],
    [
      'no deviation',
      [pixels()],
      { ...options, range: { mean: 1, deviation: 0 } },
      "expected 'range' with a mean and a deviation",
    ],
    [
      'an output of no such feature',
      [pixels()],
      { ...options, outputs: { pol: 'y' } as object },
      "got an unknown option 'outputs.pol'. Did you mean 'outputs.pool'?",
    ],
    [
      'a background of two numbers',
      [pixels()],
      { ...options, reading: { background: [1, 2] as unknown as [number, number, number] } },
      "expected 'background' to be red, green and blue from 0 to 255, got [1, 2].",
    ],
    [
      'no tokens',
      [pixels()],
      { ...options, tokens: 'cls' as 'first' },
      "expected 'tokens' to be 'first' or 'mean', got 'cls'",
    ],
  ])('say what is wrong: %s', async (_, inputs, given, message) => {
    const outputs = [{ name: 'y', shape: ['batch', 3] }];
    const operators: Operator[] = [...means(inputs[0]?.name), cast('means', 'y', 'float32')];
    const created = createOnnxNetwork(ort, onnxModel({ inputs, outputs, operators }), given);
    await expect(created).rejects.toThrow(message);
    await expect(created).rejects.toThrow(/^createOnnxNetwork: expected /);
    await expect(created).rejects.toBeInstanceOf(DparError);
  });

  it('of failures in ONNX Runtime say what was run', async () => {
    const file = onnxModel({
      inputs: [pixels()],
      outputs: [{ name: 'y', shape: ['batch', 2] }],
      operators: [
        { op: 'Flatten', inputs: ['pixel_values'], outputs: ['flat'] },
        { op: 'MatMul', inputs: ['flat', 'weights'], outputs: ['y'] },
      ],
      constants: [{ name: 'weights', shape: [48, 2], data: new Float32Array(96) }],
    });
    expect(await poolOf(file)).toEqual([0, 0, 0, 0]);
    const failure = poolOf(file, { ...options, size: 5 });
    await expect(failure).rejects.toThrow(
      /^extract: expected a network that accepts images float32 \[2, 3, 5, 5\], got a failure in ONNX Runtime: MatMul: [^/]*mismatch\. Pass the size of the training images as 'size'/,
    );
    await expect(failure).rejects.not.toThrow(/status code|\.h:|onnxruntime_src/);
  });

  it('of calls without images, or a file, say so', async () => {
    const network = await createOnnxNetwork(ort, model(pixels()), options);
    await expect(network.extract(undefined as unknown as RgbImage[])).rejects.toThrow(
      "extract: expected 'images' to be",
    );
    await network.dispose();
    const path = join(await temporaryFolder(), 'model.onnx');
    await expect(openOnnxModel(ort, path)).rejects.toThrow(
      `openOnnxModel: expected an ONNX file at '${path}', got no such file. Check the path.`,
    );
    await writeFile(path, 'damaged');
    await expect(openOnnxModel(ort, path)).rejects.toThrow(
      `openOnnxModel: expected a model that ONNX Runtime accepts in '${path}', got: text, "damaged"`,
    );
  });

  it('of files that are no models say how they begin', async () => {
    const pointer = new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0');
    await expect(createOnnxNetwork(ort, pointer, options)).rejects.toThrow(
      'got: a Git LFS pointer. Fetch the file itself: git lfs pull.',
    );
    const page = new TextEncoder().encode('<!DOCTYPE html><title>Sign in</title>');
    await expect(createOnnxNetwork(ort, page, options)).rejects.toThrow(
      'got: an HTML page (Sign in). Download the file',
    );
    await expect(createOnnxNetwork(ort, Uint8Array.of(1, 2, 3, 65), options)).rejects.toThrow(
      "got: a file that is not an ONNX model and begins with '?A'. Download",
    );
    await expect(createOnnxNetwork(ort, model(pixels(open, 'bfloat16')), options)).rejects.toThrow(
      'got: inputs or outputs of bfloat16, which',
    );
    const unknown = onnxModel({
      inputs: [pixels()],
      outputs: [{ name: 'y', shape: ['batch', 3] }],
      operators: [{ op: 'Unheard', inputs: ['pixel_values'], outputs: ['y'] }],
    });
    await expect(createOnnxNetwork(ort, unknown, options)).rejects.toThrow(
      /got: .*Unheard.*\. Export the network again/,
    );
  });
});

it('scales to the mean and deviation of CLIP', async () => {
  expect(valueRanges.clip.mean.map((value) => value / 255)).toEqual([
    expect.closeTo(0.48145466, 12),
    expect.closeTo(0.4578275, 12),
    expect.closeTo(0.40821073, 12),
  ]);
  expect(await poolOf(model(pixels()), { ...options, range: 'clip' })).toEqual(
    [
      (1 - 0.48145466) / 0.26862954,
      -0.4578275 / 0.26130258,
      (0.2 - 0.40821073) / 0.27577711,
      (10 / 255 - 0.48145466) / 0.26862954,
      (0.4 - 0.4578275) / 0.26130258,
      (20 / 255 - 0.40821073) / 0.27577711,
    ].map((value) => Math.round(value * 100) / 100),
  );
});

describe('openOnnxModel', () => {
  it('reads weights beside the file, by whose content caches find features', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'model.onnx');
    const data = Float32Array.from({ length: 6 }, (_, i) => i);
    const weights = { name: 'weights', shape: [3, 2], data, file: 'data/model.onnx_data' };
    const file = onnxModel({
      inputs: [pixels()],
      outputs: [{ name: 'y', shape: ['batch', 2] }],
      operators: [...means(), { op: 'MatMul', inputs: ['means', 'weights'], outputs: ['y'] }],
      constants: [weights],
    });
    await writeFile(path, file);
    await expect(openOnnxModel(ort, path)).rejects.toThrow(
      `openOnnxModel: expected the weights of '${path}' in '${join(folder, weights.file)}', got no such file. Put both files`,
    );
    await expect(createOnnxNetwork(ort, file, options)).rejects.toThrow('got: a model with weights in other files');
    await mkdir(join(folder, 'data'));
    const identities = new Set<string>();
    for (const scale of [1, 2]) {
      await writeFile(
        join(folder, weights.file),
        data.map((value) => scale * value),
      );
      const opened = await openOnnxModel(ort, path);
      identities.add(opened.identity);
      const network = await createOnnxNetwork(ort, opened, options);
      const { pool } = await network.extract(images.slice(0, 1));
      expect([...pool.data]).toEqual([scale * 4 * 51, scale * (255 + 5 * 51)]);
      await opened.session.release();
    }
    expect(identities.size).toBe(2);
    await rm(join(folder, weights.file));
  });

  it('has the identity of the bytes where all is in one file', async () => {
    const path = join(await temporaryFolder(), 'model.onnx');
    await writeFile(path, model(pixels()));
    const opened = await openOnnxModel(ort, path);
    const networks = [
      await createOnnxNetwork(ort, opened, options),
      await createOnnxNetwork(ort, model(pixels()), options),
    ];
    expect(networks[0]?.identity).toBe(networks[1]?.identity);
    await opened.session.release();
    await networks[1]?.dispose();
  });
});
