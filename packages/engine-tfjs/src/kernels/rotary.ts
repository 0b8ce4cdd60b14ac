import type { TfjsTensor } from '../tfjs.js';
import { type Kernel, type KernelContext, shaped } from './kernel.js';

/** Places of the two numbers of a pair in a head. */
type PlacesOf = (pair: number) => readonly [number, number];

/**
 * Kernel of rotary position embedding: x * cos + (x R) * sin, where R [headDim, headDim] maps each pair (a, b) to (-b, a).
 * Products with such matrices of 0 and 1 are exact, and several times as fast as kernels that separate the pairs.
 */
export const rotary: Kernel<'rotary'> = (context, [x, table], { interleaved }, { shape }) => {
  const { tf } = context;
  const [B = 0, T = 0, width = 0] = x.shape;
  const [N = 1, , pairs = 0] = table.shape;
  const headDim = 2 * pairs;
  const H = width / headDim;
  const placesOf: PlacesOf = interleaved ? (pair) => [2 * pair, 2 * pair + 1] : (pair) => [pair, pair + pairs];
  const layout = `${interleaved ? 'interleaved' : 'halves'} ${headDim}`;

  const turn = context.shared(`rotary: turn ${layout}`, () =>
    matrix(context, headDim, (set) => {
      for (let pair = 0; pair < pairs; pair++) {
        const [a, b] = placesOf(pair);
        set(b, a, -1);
        set(a, b, 1);
      }
    }),
  );
  /** Cosines (0) or sines (1) of a table at both places of their pairs: [N, T, 1, headDim]. */
  const spread = (part: 0 | 1): TfjsTensor =>
    context.shared(`rotary: spread ${part} ${layout} of ${table.id}`, () => {
      const places = matrix(context, headDim, (set) => {
        for (let pair = 0; pair < pairs; pair++) for (const place of placesOf(pair)) set(2 * pair + part, place, 1);
      });
      return tf.reshape(tf.matMul(tf.reshape(table, [N * T, headDim]), places), [N, T, 1, headDim]);
    });

  const heads = tf.reshape(x, [B, T, H, headDim]);
  const turned = tf.reshape(tf.matMul(tf.reshape(x, [B * T * H, headDim]), turn), [B, T, H, headDim]);
  return shaped(tf, tf.add(tf.mul(heads, spread(0)), tf.mul(turned, spread(1))), shape);
};

function matrix(
  { tf }: KernelContext,
  size: number,
  fill: (set: (row: number, column: number, value: number) => void) => void,
): TfjsTensor {
  const data = new Float32Array(size * size);
  fill((row, column, value) => {
    data[row * size + column] = value;
  });
  return tf.tensor(data, [size, size], 'float32');
}
