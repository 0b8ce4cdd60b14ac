import { float32, valueAndGradients } from '@dpar/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { loadTfjs, tfjsOps } from './index.js';
import { expectNoLeak, testedBackends } from './testing/backends.js';

describe.each(testedBackends)('the tensor interface, run eagerly on %s', (backend) => {
  it('works on tensors of TensorFlow.js, and leaves its results alone', async () => {
    await loadTfjs({ backend });
    const ops = tfjsOps(tf);
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const y = ops.rotary(ops.reshape(x, [1, 2, 2]), ops.constant(float32([1, 2, 1, 2], [0, 1, 1, 0])));
    expect(Array.from(y.dataSync())).toEqual([-2, 1, 3, 4]);
    const same = ops.reshape(x, [2, 2]);
    x.dispose();
    expect(Array.from(same.dataSync())).toEqual([1, 2, 3, 4]);
  });

  it('within tf.tidy leaves nothing else, gradients included', async () => {
    await loadTfjs({ backend });
    const ops = tfjsOps(tf);
    await expectNoLeak(async () => {
      const gradient = tf.tidy(() => {
        const x = tf.tensor1d([1, 2, 3]);
        const { gradients } = valueAndGradients(
          ops,
          (o, { v }) => ({ y: o.sum(o.square(v as NonNullable<typeof v>)) }),
          { v: x },
          { of: 'y', by: ['v'] },
        );
        return gradients.v as tf.Tensor;
      });
      expect(Array.from(gradient.dataSync())).toEqual([2, 4, 6]);
      gradient.dispose();
    });
  });
});
