import { chooseToken } from './choose.js';
import { guide } from './guidance.js';
import type { SampleOptions } from './options.js';

/** Draws the next token of each image: guidance, then the decoding options. Logits [rows, V] are overwritten. */
export function drawTokens(
  logits: Float32Array,
  vocabSize: number,
  options: SampleOptions,
  uniforms: readonly Float64Array[],
  position: number,
): Int32Array {
  const batch = options.labels.length;
  const guided = guide(logits, batch, vocabSize, options.guidanceScale ?? 1);
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
