import { exportOnnx } from '@dpar/engine-ort';
import { named, type TensorFunction } from '@dpar/tensor';

/** A feature network, the bytes of an ONNX file: 2 images of 16x16 pixels at a time, means of blocks of 8x8 as `pool` [2, 12]. */
export function blockMeansNetwork(): Uint8Array {
  const means: TensorFunction = (ops, inputs) => {
    const pooled = ops.averagePool2d(named(inputs, 'images'), { kernel: [8, 8], stride: 8 });
    return { pool: ops.reshape(pooled, [2, 12]) };
  };
  return exportOnnx(means, { images: { dtype: 'float32', shape: [2, 3, 16, 16] } });
}
