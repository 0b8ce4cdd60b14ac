import type { Primitive } from '../primitives.js';
import { elementwiseRules } from './elementwise.js';
import { layoutRules } from './layout.js';
import { poolingRules } from './pooling.js';
import { productRules } from './products.js';
import type { GradientRules } from './rule.js';

/** The gradient rule of every primitive. */
export const gradientRules: GradientRules<Primitive> = {
  ...elementwiseRules,
  ...layoutRules,
  ...productRules,
  ...poolingRules,
};
