import type { Topic } from '../topic.js';
import { metrics } from './metrics.js';
import { readers } from './readers.js';
import { resizes } from './resizes.js';
import { rope } from './rope.js';

/** All topics, in the order of the page. */
export const topics: readonly Topic[] = [metrics, resizes, rope, readers];
