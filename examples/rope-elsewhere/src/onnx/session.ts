import type { RotaryTable } from '@dpar/rope';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/**
 * Rotates queries or keys in an ONNX Runtime session.
 *
 * @param model Bytes of a model with the inputs `x` and `table` and the output `rotated`; see graphs.ts.
 * @param shape Shape of x.
 */
export async function rotateInSession(
  model: Uint8Array,
  x: Float32Array,
  shape: readonly number[],
  table: RotaryTable,
): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  try {
    const { rotated } = await session.run({
      x: new Tensor('float32', x, shape),
      table: new Tensor('float32', table.data, table.shape),
    });
    return rotated?.data as Float32Array;
  } finally {
    await session.release();
  }
}
