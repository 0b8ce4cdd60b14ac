import type { Engine, Ops } from '@dpar/tensor';
import type * as core from '@tensorflow/tfjs-core';
import type * as nodeGpu from '@tensorflow/tfjs-node-gpu';
import { expectTypeOf, it } from 'vitest';
import { tfjsEngine, tfjsOps } from './index.js';

// The compiler checks these.
it('takes the namespaces of tfjs-core and of tfjs-node-gpu as they are', () => {
  const engines = (one: typeof core, other: typeof nodeGpu): Engine[] => [tfjsEngine(one), tfjsEngine(other)];
  const ops = (one: typeof core) => tfjsOps(one);
  const gpuOps = (one: typeof nodeGpu) => tfjsOps(one);
  expectTypeOf(engines).returns.toEqualTypeOf<Engine[]>();
  expectTypeOf(ops).returns.toEqualTypeOf<Ops<core.Tensor>>();
  expectTypeOf(gpuOps).returns.toEqualTypeOf<Ops<nodeGpu.Tensor>>();
});
