import type { Primitive } from '@dpar/tensor';
import { elementwiseKernels } from './elementwise.js';
import { imageKernels } from './images.js';
import { indexingKernels } from './indexing.js';
import type { Kernels } from './kernel.js';
import { layoutKernels } from './layout.js';
import { productKernels } from './products.js';
import { reductionKernels } from './reductions.js';

/** The kernel of every primitive. */
export const kernels: Kernels<Primitive> = {
  ...elementwiseKernels,
  ...layoutKernels,
  ...indexingKernels,
  ...reductionKernels,
  ...productKernels,
  ...imageKernels,
};
