import { createRandom } from '@dpar/tensor';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { OnnxModel } from './model.js';
import { encodeModel } from './writer.js';

/** y = x + w, z = the last three of y */
function model(w: Float32Array): OnnxModel {
  const shape = [w.length];
  return {
    name: 'g',
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: [{ name: 'z', type: 'float32', shape: [3] }],
    initializers: [
      { name: 'w', type: 'float32', shape, data: w },
      ...['start', 'end', 'axis'].map((name, i) => {
        const value = [-3n, 2n ** 62n, 0n][i] ?? 0n;
        return { name, type: 'int64' as const, shape: [1], data: BigInt64Array.of(value) };
      }),
    ],
    nodes: [
      { name: 'add', opType: 'Add', domain: '', inputs: ['x', 'w'], outputs: ['y'], attributes: {} },
      {
        name: 'slice',
        opType: 'Slice',
        domain: '',
        inputs: ['y', 'start', 'end', 'axis'],
        outputs: ['z'],
        attributes: {},
      },
    ],
    opsets: { '': 20 },
  };
}

describe('encodeModel', () => {
  it('writes the fields of onnx.proto', () => {
    const { bytes } = encodeModel({
      name: 'g',
      inputs: [],
      outputs: [{ name: 'y', type: 'int32', shape: [300] }],
      initializers: [],
      nodes: [
        {
          name: 'n',
          opType: 'O',
          domain: 'd',
          inputs: ['x', ''],
          outputs: ['y'],
          attributes: { a: { int: -1 }, b: { float: 0.5 }, c: { string: 's' }, e: { ints: [1, 2] } },
        },
      ],
      opsets: { '': 20 },
    });
    const minusOne = 'ffffffffffffffffff01';
    const attributes = [
      ['0a0161', `18${minusOne}`, 'a00102'], // name, i, type INT
      ['0a0162', '150000003f', 'a00101'], // name, f, type FLOAT
      ['0a0163', '220173', 'a00103'], // name, s, type STRING
      ['0a0165', '40014002', 'a00107'], // name, ints, type INTS
    ].map((parts) => field('2a', parts.join('')));
    const node = field('0a', `0a0178${'0a00'}120179${'1a016e'}22014f${attributes.join('')}3a0164`);
    const type = field('12', field('0a', `0806${field('12', field('0a', '08ac02'))}`));
    const graph = `${node}120167${field('62', `0a0179${type}`)}`;
    expect(Buffer.from(bytes).toString('hex')).toBe(`08091204${hex('dpar')}42040a001014${field('3a', graph)}`);
  });

  it('puts large tensors beside the file on request', async () => {
    const w = createRandom(1).fillNormal(new Float32Array(1000)).subarray(100, 500);
    const x = new ort.Tensor('float32', new Float32Array(400).fill(1), [400]);
    for (const largest of [undefined, 1599, 1600]) {
      const { bytes, externalData } = encodeModel(model(w), largest === undefined ? {} : { largest });
      expect(externalData.map(({ path }) => path)).toEqual(largest === 1599 ? ['w'] : []);
      expect(bytes.length > 1600).toBe(largest !== 1599);
      const session = await ort.InferenceSession.create(bytes, { externalData });
      const { z } = await session.run({ x });
      expect(z?.data).toEqual(w.slice(-3).map((value) => value + 1));
      await session.release();
    }
  });
});

/** A length-delimited field in hexadecimal: tag, length below 16384, content. */
function field(tag: string, content: string): string {
  const length = content.length / 2;
  const varint = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return tag + Buffer.from(varint).toString('hex') + content;
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
