import { type HostTensorOf, int32 } from '@dpar/tensor';
import { randomStream } from '../batches/random-streams.js';
import { checkArguments } from '../check-arguments.js';

/**
 * Replaces labels by the null class with some probability, for classifier-free guidance. What is dropped is a function
 * of the seed and the step alone.
 * @param labels int32 [B]
 * @param nullClass The class that stands for none: the number of classes.
 * @param probability The paper's is 0.1.
 * @returns int32 [B], a new tensor
 */
export function dropClasses(
  labels: HostTensorOf<'int32'>,
  nullClass: number,
  probability: number,
  seed: number,
  step: number,
): HostTensorOf<'int32'> {
  checkArguments(
    'dropClasses',
    { labels, nullClass, probability, seed, step },
    {
      labels: { dtype: "'int32'", shape: 'number[]', data: 'Int32Array', '*': 'any' },
      nullClass: 'number',
      probability: 'number',
      seed: 'number',
      step: 'number',
    },
  );

  const random = randomStream(seed, 'classDropout', step);
  return int32(
    labels.shape,
    labels.data.map((label) => (random.uniform() < probability ? nullClass : label)),
  );
}
