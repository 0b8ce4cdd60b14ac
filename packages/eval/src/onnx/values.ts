import { fromHostTensor, toHostTensor } from '@dpar/io';
import { DparError } from '@dpar/tensor';
import type { OnnxData, OnnxTensor } from './session.js';

/** Element types of images that are supported. */
export const imageTypes = ['float32', 'float16', 'float64', 'uint8'] as const;

/** An element type of images. */
export type OnnxImageType = (typeof imageTypes)[number];

/** Element types of features. */
export const featureTypes: readonly string[] = ['float32', 'float16', 'float64'];

/** Converts values to the element type of an input. For uint8 they are rounded to the nearest byte. */
export function encodeValues(values: Float32Array, type: OnnxImageType): OnnxData {
  switch (type) {
    case 'float32':
      return values;
    case 'float64':
      return Float64Array.from(values);
    case 'uint8':
      return Uint8Array.from(Uint8ClampedArray.from(values));
    case 'float16': {
      const { bytes } = fromHostTensor({ dtype: 'float32', shape: [values.length], data: values }, 'F16');
      return new Uint16Array(bytes.buffer, bytes.byteOffset, values.length);
    }
  }
}

/** Reads the numbers of an output as float32. Undefined if it has another type. */
export async function decodeValues(tensor: OnnxTensor): Promise<Float32Array | undefined> {
  const data = await tensor.getData();
  if (tensor.type === 'float16' && data instanceof Uint16Array) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return toHostTensor({ dtype: 'F16', shape: [data.length], bytes }).data as Float32Array;
  }
  if (data instanceof Float32Array) return data;
  // Newer versions of JavaScript return a Float16Array.
  return featureTypes.includes(tensor.type) ? Float32Array.from(data as ArrayLike<number>) : undefined;
}

/** @throws DparError if a number is not finite. */
export function checkFinite(output: string, { type }: OnnxTensor, values: Float32Array, images: number): void {
  const place = values.findIndex((value) => !Number.isFinite(value));
  if (place < 0) return;
  throw new DparError(
    `extract: expected finite numbers in the output '${output}', got ${values[place]} for image ` +
      `${Math.floor((place * images) / values.length)} of ${images} in a batch. ` +
      (type === 'float16'
        ? 'The values exceed the range of float16: use the float32 form of the network.'
        : 'Check that the range and size of the images are those of the training.'),
  );
}
