import type { Primitive } from '@dpar/tensor';
import { elementwiseEmitters } from './elementwise.js';
import type { Emitters } from './emitter.js';
import { imageEmitters } from './images.js';
import { indexingEmitters } from './indexing.js';
import { layoutEmitters } from './layout.js';
import { productEmitters } from './products.js';
import { reductionEmitters } from './reductions.js';

/** The emitter of every primitive. */
export const emitters: Emitters<Primitive> = {
  ...elementwiseEmitters,
  ...layoutEmitters,
  ...indexingEmitters,
  ...reductionEmitters,
  ...productEmitters,
  ...imageEmitters,
};
