import { readFileSync } from 'node:fs';
import { createOrtEngine } from '@dpar/engine-ort';
import {
  createRandom,
  createReferenceEngine,
  float32,
  type HostTensor,
  type HostTensorOf,
  named,
  type Ops,
  referenceOps,
  sizeOf,
  type TensorFunction,
  type Tensors,
  valueAndGradients,
} from '@dpar/tensor';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type OnnxNetwork, readOnnxNetwork } from './index.js';

/**
 * Small networks with random weights: exports of PyTorch 2.13 by both exporters, with operator sets 9 to 20, and one file with
 * many forms of operators. Sizes of their images are part of the table.
 */
const networks: readonly (readonly [name: string, height: number, width: number])[] = [
  ['vgg', 16, 16],
  ['resnet', 16, 16],
  ['convnext', 16, 16],
  ['vit', 16, 16],
  ['vit-new', 16, 16],
  ['layers', 12, 12],
  ['old', 8, 8],
  ['forms', 7, 10],
];

const fileOf = (name: string) => readFileSync(new URL(`testing/networks/${name}.onnx`, import.meta.url));

/** Another number of images than the networks were exported with. */
const images = (height: number, width: number): HostTensorOf<'float32'> =>
  float32([3, 3, height, width], createRandom(height, width).fillNormal(new Float32Array(9 * height * width)));

async function expectedOutputs(file: Uint8Array, x: HostTensorOf<'float32'>): Promise<Tensors<Float32Array>> {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 4 });
  const outputs = await session.run({ images: new ort.Tensor('float32', x.data, x.shape) });
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]));
}

/** Largest difference, relative to the largest expected number where that exceeds 1. */
function errorOf(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [error, scale] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference);
    scale = Math.max(scale, Math.abs(expected[i] as number));
  }
  return error / scale;
}

const run =
  (network: OnnxNetwork): TensorFunction =>
  (ops, inputs) =>
    network.run(ops, inputs);

describe.each(networks)('%s', (name, height, width) => {
  const file = fileOf(name);
  const network = readOnnxNetwork(file);
  const x = images(height, width);

  it.each([
    ['reference', createReferenceEngine],
    ['ONNX Runtime', createOrtEngine],
  ])('computes in the engine %s what ONNX Runtime computes from the file', async (_, createEngine) => {
    const engine = await createEngine();
    const expected = await expectedOutputs(file, x);
    const found = await engine.compile(run(network)).run({ images: x });
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [output, values] of Object.entries(expected)) {
      expect([output, errorOf(named(found, output).data, values) <= 1e-5]).toEqual([output, true]);
    }
    await engine.dispose();
  });

  it('has gradients that agree with finite differences', () => {
    /** Sum of all outputs, each element with a weight of its own. */
    const loss = <T>(ops: Ops<T>, inputs: Tensors<T>): T => {
      const parts = Object.values(network.run(ops, inputs)).map((output, i) => {
        const shape = ops.shapeOf(output);
        const weights = createRandom(7, i).fillNormal(new Float32Array(sizeOf(shape)));
        return ops.mean(ops.mul(output, ops.constant(float32(shape, weights))));
      });
      return parts.reduce((sum, part) => ops.add(sum, part));
    };
    const differentiated: TensorFunction = (ops, inputs) => ({ loss: loss(ops, inputs) });
    const { gradients } = valueAndGradients<HostTensor>(
      referenceOps,
      differentiated,
      { images: x },
      { of: 'loss', by: ['images'] },
    );
    const gradient = named(gradients, 'images').data;
    const directions = [1, 2, 3].map((seed) => createRandom(11, seed).fillNormal(new Float32Array(x.data.length)));
    for (const direction of directions) {
      const lossAt = (step: number): number => {
        const moved = x.data.map((value, i) => value + step * (direction[i] as number));
        return loss<HostTensor>(referenceOps, { images: float32(x.shape, moved) }).data[0] as number;
      };
      const slope = (step: number): number => (lossAt(step) - lossAt(-step)) / (2 * step);
      const actual = direction.reduce((sum, value, i) => sum + value * (gradient[i] as number), 0);
      const length = Math.hypot(...gradient);
      // Large steps cross kinks of piecewise functions, small ones lose digits. A wrong gradient agrees with none.
      const errors = [1e-2, 3e-3, 1e-3, 3e-4, 1e-4].map((step) => Math.abs(actual - slope(step)) / length);
      expect(Math.min(...errors)).toBeLessThan(0.02);
    }
  });
});
