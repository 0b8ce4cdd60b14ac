import { readFileSync } from 'node:fs';
import { type OnnxDescription, onnxModel } from '@dpar/fixtures';
import { float32, type HostTensor, type Ops, referenceOps as ops } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { externalDataFiles, readOnnxNetwork } from './index.js';

const fileOf = (name: string) => readFileSync(new URL(`testing/networks/${name}.onnx`, import.meta.url));
const x = float32(
  [2, 3, 4, 4],
  Float32Array.from({ length: 96 }, (_, i) => Math.sin(i)),
);

type Operator = OnnxDescription['operators'][number];

/** A network of images [B, 3, 4, 4] with some operators, whose last output is the network's. */
function network(operators: readonly Operator[], rest: Partial<OnnxDescription> = {}): Uint8Array {
  const name = operators.at(-1)?.outputs[0] ?? '';
  return onnxModel({
    inputs: [{ name: 'images', shape: ['batch', 3, 4, 4] }],
    outputs: [{ name, shape: [] }],
    operators,
    ...rest,
  });
}

const relu: Operator = { op: 'Relu', inputs: ['images'], outputs: ['relu'] };

/** Message of reading and running a network of some operators. */
function said(operators: readonly Operator[], rest: Partial<OnnxDescription> = {}): string {
  try {
    readOnnxNetwork(network(operators, rest)).run(ops, { images: x });
    return 'nothing';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('readOnnxNetwork', () => {
  it('describes inputs and outputs', () => {
    const { inputs, outputs } = readOnnxNetwork(fileOf('resnet'));
    expect(inputs).toEqual([{ name: 'images', type: 'float32', shape: ['batch', 3, 16, 16] }]);
    expect(outputs).toEqual(['features', 'logits']);
  });

  it('computes inner tensors, by their names or those of their nodes', () => {
    const file = network([relu, { op: 'Neg', inputs: ['relu'], outputs: ['y'] }]);
    const found = readOnnxNetwork(file, { outputs: ['relu', 'y'] }).run(ops, { images: x });
    expect(Object.keys(found)).toEqual(['relu', 'y']);
    expect(found.relu?.data).toEqual(x.data.map((value) => Math.max(0, value)));
    const vgg = readOnnxNetwork(fileOf('vgg'), { outputs: ['/f/f.2/Relu'] });
    const images = float32([1, 3, 16, 16]);
    expect(vgg.run(ops, { images })['/f/f.2/Relu']?.shape).toEqual([1, 6, 16, 16]);
  });

  it('needs neither operators nor numbers behind what it computes', () => {
    const unknown: Operator = { op: 'NonZero', inputs: ['relu'], outputs: ['y'] };
    const file = network([relu, unknown]);
    expect(() => readOnnxNetwork(file)).toThrow(
      /^readOnnxNetwork: expected operators among Abs, Add, .*, Where, got NonZero, first in the node 'y' \(NonZero\)\. Choose tensors/,
    );
    expect(readOnnxNetwork(file, { outputs: ['relu'] }).run(ops, { images: x }).relu?.shape).toEqual(x.shape);
  });

  it('folds batch norms into the convolutions before them', () => {
    let products = 0;
    const mul: Ops<HostTensor>['mul'] = (a, b) => {
      products++;
      return ops.mul(a, b);
    };
    const counting: Ops<HostTensor> = { ...ops, mul };
    const images = float32([1, 3, 16, 16]);
    readOnnxNetwork(fileOf('vgg')).run(counting, { images });
    expect(products).toBe(1); // of LeakyRelu
  });

  it('takes external data that are passed', () => {
    const data = Float32Array.of(1, 10, 100);
    const file = network([{ op: 'Mul', inputs: ['images', 'w'], outputs: ['y'] }], {
      constants: [{ name: 'w', shape: [3, 1, 1], data, file: 'w.bin' }],
    });
    expect(externalDataFiles(file)).toEqual(['w.bin']);
    expect(() => readOnnxNetwork(file)).toThrow(
      "readOnnxNetwork: expected numbers inside the file for the tensor 'w' of the node 'y' (Mul), got its data in the file 'w.bin', " +
        "which was not passed as external data. Pass such files as 'externalData', or export with external_data=False.",
    );
    const read = readOnnxNetwork(file, { externalData: { 'w.bin': new Uint8Array(data.buffer) } });
    expect(read.run(ops, { images: x }).y?.data[17]).toBeCloseTo(10 * Math.sin(17), 5);
  });

  it.each([
    ['an empty file', new Uint8Array(0), /expected an ONNX file, got 0 bytes without a graph/],
    ['another file', new TextEncoder().encode('{"kind": "vq"}'), /expected an ONNX file, got 14 bytes without a graph/],
    ['a part of a file', fileOf('vgg').subarray(0, 1000), /readOnnxNetwork: expected /],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readOnnxNetwork(bytes)).toThrow(message);
  });

  it('refuses names and options that do not exist', () => {
    expect(() => readOnnxNetwork(network([relu]), { outputs: ['relu5'] })).toThrow(
      "readOnnxNetwork: expected the name of a tensor or node of the graph, got 'relu5'. Choose among relu.",
    );
    expect(() => readOnnxNetwork(network([relu]), { output: [] } as object)).toThrow("Did you mean 'outputs'?");
    expect(() => readOnnxNetwork(network([relu])).run(ops, { image: x })).toThrow(
      "expected a tensor 'images', got image",
    );
  });
});

describe('forms of operators that are refused', () => {
  const weight = { name: 'w', shape: [2, 3, 1, 1], data: new Float32Array(6) };
  it.each<readonly [string, readonly Operator[], Partial<OnnxDescription>]>([
    [
      "OnnxNetwork: expected equal strides of rows and columns, got 1 and 2 in the node 'y' (Conv). Change the network, or choose tensors before this node.",
      [{ op: 'Conv', inputs: ['images', 'w'], outputs: ['y'], attributes: { strides: [1, 2] } }],
      { constants: [weight] },
    ],
    [
      "OnnxNetwork: expected pooling without dilation, got dilations 2,2 in the node 'y' (MaxPool). Change the network, or choose tensors before this node.",
      [
        {
          op: 'MaxPool',
          inputs: ['images'],
          outputs: ['y'],
          attributes: { kernel_shape: [2, 2], dilations: [2, 2] },
        },
      ],
      {},
    ],
    [
      "OnnxNetwork: expected indices known without the images, got the computed tensor 'i' in the node 'y' (Gather). Change the network, or choose tensors before this node.",
      [
        { op: 'Cast', inputs: ['images'], outputs: ['i'], attributes: { to: 7 } },
        { op: 'Gather', inputs: ['images', 'i'], outputs: ['y'] },
      ],
      {},
    ],
    [
      "OnnxNetwork: expected a tensor that can be reshaped to [1, 48], got [2, 3, 4, 4] in the node 'y' (Reshape). If the network was exported for a fixed batch, " +
        'export it with an open first axis (dynamic_axes or dynamic_shapes).',
      [{ op: 'Reshape', inputs: ['images', 's'], outputs: ['y'] }],
      { constants: [{ name: 's', shape: [2], data: BigInt64Array.of(1n, 48n) }] },
    ],
    [
      "OnnxNetwork: expected images [B, C, H, W], got [2, 48] in the node 'y' (MaxPool). Change the network, or choose tensors before this node.",
      [
        { op: 'Flatten', inputs: ['images'], outputs: ['f'] },
        { op: 'MaxPool', inputs: ['f'], outputs: ['y'], attributes: { kernel_shape: [2, 2] } },
      ],
      {},
    ],
  ])('%s', (message, operators, rest) => {
    expect(said(operators, rest)).toBe(message);
  });
});
