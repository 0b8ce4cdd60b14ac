import type { Topic } from '../topic.js';
import { metrics } from './metrics.js';
import { readers } from './readers.js';
import { resizes } from './resizes.js';
import { rope } from './rope.js';
import { sampling } from './sampling.js';
import { training } from './training.js';

/** All topics, in the order of the page. */
export const topics: readonly Topic[] = [training, sampling(1), sampling(16), metrics, resizes, rope, readers];
