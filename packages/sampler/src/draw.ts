import { chooseToken } from './choose.js';
import { guidanceAt, guide } from './guidance.js';
import type { SampleOptions } from './options.js';

/**
 * The next token of each image: the given one while there is a prefix, else drawn, by guidance and then the decoding
 * options.
 * @param logits [rows, V], overwritten
 */
export function nextTokens(
  logits: Float32Array,
  vocabSize: number,
  options: SampleOptions,
  uniforms: readonly Float64Array[],
  position: number,
): Int32Array {
  const { labels, prefix = [] } = options;
  const batch = labels.length;
  const given = prefix.length / batch;
  if (position < given) {
    return Int32Array.from({ length: batch }, (_, image) => prefix[image * given + position] as number);
  }
  const positions = (uniforms[0] as Float64Array).length;
  const guided = guide(logits, batch, vocabSize, guidanceAt(options, position, positions));
  return Int32Array.from({ length: batch }, (_, image) => {
    const row = guided.subarray(image * vocabSize, (image + 1) * vocabSize);
    return chooseToken(row, options, (uniforms[image] as Float64Array)[position] as number);
  });
}

/** Values of the images for the rows that are run: once, or twice with null rows. */
export function forRows(values: Int32Array, rows: number): Int32Array {
  if (rows === values.length) return values;
  const twice = new Int32Array(rows);
  twice.set(values);
  twice.set(values, values.length);
  return twice;
}
