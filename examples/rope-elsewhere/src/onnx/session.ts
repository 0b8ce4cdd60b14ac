import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Numbers with their shape. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Rotates queries or keys in an ONNX Runtime session that is made for this call.
 *
 * @param model Bytes of a model with the output `rotated`; see graphs.ts.
 * @param inputs Inputs of the model by name.
 */
export async function rotateInSession(
  model: Uint8Array,
  inputs: Readonly<Record<string, Values>>,
): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  try {
    const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [name, new Tensor('float32', data, shape)]);
    const { rotated } = await session.run(Object.fromEntries(feeds));
    return rotated?.data as Float32Array;
  } finally {
    await session.release();
  }
}
