import type { Operators } from './call.js';
import { convolutions } from './convolution.js';
import { elementwise } from './elementwise.js';
import { layout } from './layout.js';
import { normalization } from './normalization.js';
import { pooling } from './pooling.js';
import { products } from './products.js';
import { resizing } from './resize.js';

/** All operators of the standard domain that are supported, by name. */
export const operators: Operators = {
  ...elementwise,
  ...layout,
  ...convolutions,
  ...pooling,
  ...resizing,
  ...normalization,
  ...products,
};
