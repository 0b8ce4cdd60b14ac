import { createOrtEngine } from '@dpar/engine-ort';
import { createReferenceEngine, type HostTensor, int32, named, type TensorFunction } from '@dpar/tensor';
import { findMismatch } from '@dpar/tensor/conformance';
import { afterAll, describe, expect, it } from 'vitest';
import { dparKind } from './dpar-kind.js';
import { inputsOfLengths } from './inputs-of-lengths.js';
import { dparInputs } from './prepare.js';

const engine = await createOrtEngine({ threads: 1 });
afterAll(() => engine.dispose());

const base = {
  dim: 32,
  n_layer: 1,
  n_head: 2,
  multiple_of: 8,
  vocab_size: 11,
  block_size: 16,
  num_classes: 3,
  n_local_encoder_layers: 1,
  n_local_decoder_layers: 1,
};

describe.each(['dynamic_4d', 'dynamic_3d', '2d', null])('inputs of patch lengths, embedding %s', (embedding) => {
  it.each([false, true])('equal those that the host makes (end-of-image token: %s)', async (eoi) => {
    const patching = { mode: 'entropy_row_boundary', threshold: 1, max_patch_length: 3, row_length: 4 };
    const config = dparKind.readConfig({ ...base, embedding_type: embedding, predict_eoi_token: eoi, patching });
    const end = eoi ? [1] : [];
    const fn: TensorFunction = (ops, x) => {
      const input = (name: string) => named(x, name);
      return { ...inputsOfLengths(ops, config, input('tokens'), input('labels'), input('patchLengths')) };
    };
    const names = ['tokens', 'labels', 'patchLengths'];
    const dynamicAxes = Object.fromEntries(names.map((name) => [name, { 0: 'batch' }]));
    const compiled = [
      createReferenceEngine().compile(fn),
      engine.compile(fn, { dynamicAxes: { ...dynamicAxes, patchLengths: { 0: 'batch', 1: 'patches' } } }),
    ];
    const images = [
      [1, 3, 3, 1, 3, 1, 3, 1, ...end],
      [1, 2, 1, 3, 1, 2, 2, 1, 3, ...end],
      [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...end],
    ];
    for (const batch of [images, images.slice(0, 1), images.slice(0, 2)]) {
      const M = Math.max(...batch.map((lengths) => lengths.length));
      const padded = batch.flatMap((lengths) => [...lengths, ...new Array<number>(M - lengths.length).fill(0)]);
      const patchLengths = int32([batch.length, M], padded);
      const tokens = int32([batch.length, 16]);
      const labels = int32([batch.length]);
      const expected: Record<string, HostTensor> = { ...dparInputs(config, tokens, labels, patchLengths) };
      // Tables of padded patches have no meaning.
      const meaningful = (tensors: Readonly<Record<string, HostTensor>>) => {
        const { globalTable, ...maps } = tensors as Record<'globalTable', HostTensor>;
        const width = 16;
        const [tables = 0] = globalTable.shape;
        // One table for all images, or one each.
        const rows = batch.flatMap(({ length }, b) => {
          const from = (tables === 1 ? 0 : b) * M * width;
          return Array.from(globalTable.data.subarray(from, from + length * width));
        });
        return {
          ...maps,
          table: { dtype: 'float32', shape: [rows.length], data: Float32Array.from(rows) },
        };
      };
      for (const program of compiled) {
        const actual = await program.run({ tokens, labels, patchLengths });
        const tolerance = { relative: 0, absolute: 0 };
        expect(
          findMismatch(
            meaningful(actual) as Record<string, HostTensor>,
            meaningful(expected) as Record<string, HostTensor>,
            tolerance,
          ),
        ).toBeUndefined();
      }
    }
    expect(compiled[1]?.signatures).toBe(1);
  });
});
