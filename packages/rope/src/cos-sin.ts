import { checkTable } from './apply.js';
import { checkArguments } from './check-arguments.js';

/** Cosines and sines of a table in separate arrays. */
export interface CosSin {
  /** [1 or B, positions, headDim / 2] */
  readonly shape: readonly number[];
  /** Cosines, of the given shape. */
  readonly cos: Float32Array;
  /** Sines, of the given shape. */
  readonly sin: Float32Array;
}

/**
 * Separates the cosines and sines of a table, as ONNX's RotaryEmbedding (`cos_cache` and `sin_cache`) or code for
 * TensorFlow.js needs them.
 *
 * @param table [1 or B, positions, headDim / 2, 2]
 * @throws RopeError if the data do not fit the shape.
 */
export function cosSin(table: { readonly shape: readonly number[]; readonly data: ArrayLike<number> }): CosSin {
  checkArguments('cosSin', { table }, { table: { shape: 'number[]', data: 'number[]', '*': 'any' } });

  checkTable('cosSin', table);
  const { shape, data } = table;
  const cos = new Float32Array(data.length / 2);
  const sin = new Float32Array(data.length / 2);
  for (let i = 0; i < cos.length; i++) {
    cos[i] = data[2 * i] as number;
    sin[i] = data[2 * i + 1] as number;
  }
  return { shape: shape.slice(0, -1), cos, sin };
}
