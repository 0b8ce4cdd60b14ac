import { hasNullClass } from '@dpar/nn';
import type { Label, SampleOptions } from '@dpar/sampler';
import { countsFromOne } from '@dpar/train';
import { UsageError } from '../command/errors.js';
import * as option from '../command/options.js';
import { classList, firstClass } from './classes.js';
import type { Generator } from './generator.js';

const greedyRemedy = 'Pass --greedy for the most likely token, or leave it out';

const weightFormat = option.choice(['float32', 'int8', 'int4']);

/** Options of `dpar sample`. */
export const sampleOptions = {
  checkpoint: option.required(
    option.path,
    'DPAR or LlamaGen model: a checkpoint, a model folder, a run of dpar create, or an installed package such as @dpar/emoji',
  ),
  average: option.flag('use the moving average of the weights, from training with average_decay'),
  entropyCheckpoint: option.optional(
    option.folder,
    'entropy model, required for a DPAR model whose patches depend on entropies, unless it has a boundary head; used in ' +
      'place of the head',
  ),
  tokenizer: option.optional(
    option.folder,
    'tokenizer, for images (default: the folder tokenizer beside the checkpoint)',
  ),
  weights: option.optional(
    weightFormat,
    'format of the weights: int8 and int4 need less memory and time, float32 is the most accurate',
    'float32',
  ),
  entropyWeights: option.optional(
    weightFormat,
    "format of the entropy model's weights (default: the same as --weights)",
  ),
  classes: option.required(
    classList,
    "classes of the images, in turn: numbers such as 0,3,4 or 0-9, or names in the model's classes.json such as " +
      'Flags,"10-20", with double quotes around a name that looks like numbers; a model trained with words also takes ' +
      'a text such as "a red heart"',
  ),
  count: option.optional(option.wholeNumber(1, 1e7), 'number of images (default: one for each class)'),
  prefix: option.optional(
    option.file,
    "tokens to complete: 'tokens' [N, K] of a .safetensors file; image k completes row k mod N",
  ),
  prefixLength: option.optional(option.wholeNumber(1), 'number of given tokens per image, K (default: the whole row)'),
  guidanceScale: option.withAlias(
    'cfgScale',
    option.optional(
      option.number({ from: 0 }),
      'scale of classifier-free guidance; 1 means no guidance, and is required for a model without a null class',
      2,
    ),
  ),
  guidanceSchedule: option.withAlias(
    'cfgSchedule',
    option.optional(
      option.choice(['constant', 'linear', 'cosine']),
      'course of the scale: constant, or growing from 1 at the first token to its full value at the last',
      'constant',
    ),
  ),
  guidanceInterval: option.withAlias(
    'cfgInterval',
    option.optional(option.interval, 'tokens with guidance, from FIRST to END - 1 (default: all)'),
  ),
  temperature: option.optional(option.number({ above: 0 }, greedyRemedy), 'divisor of the logits', 1),
  topK: option.optional(option.wholeNumber(0), 'draw from the k most likely tokens; 0 means all', 0),
  topP: option.optional(
    option.number({ above: 0, to: 1 }, greedyRemedy),
    'draw from the smallest set of tokens with this total probability',
    1,
  ),
  greedy: option.flag('always take the most likely token'),
  threshold: option.optional(
    option.number(),
    "entropy in nats above which a token starts a patch (default: the model's)",
  ),
  maxPatchLength: option.optional(option.wholeNumber(1), "largest number of tokens in a patch (default: the model's)"),
  seed: option.optional(option.wholeNumber(0), 'seed of the random draws', 0),
  batchSize: option.optional(option.wholeNumber(1, 4096), 'images at work at the same time, and kept together', 16),
  shard: option.optional(option.shard, 'generate only shard I of N, from 0/N to (N - 1)/N'),
  labels: option.flag('write the names of the classes over the columns, or before the rows, of a grid (*.png)'),
  output: option.required(option.outputPath('ending'), 'output: *.png, *.npz, *.safetensors or a folder'),
};

/** Values of {@link sampleOptions}, with classes by number and prompts by those of their words. */
export interface SampleValues extends Omit<option.Values<typeof sampleOptions>, 'classes'> {
  readonly classes: readonly Label[];
}

/** Checks options against the model and one another. @throws UsageError if they do not fit. */
export function checkFor(generator: Generator, values: SampleValues): void {
  const { hasPatches, numClasses, blockSize: T } = generator;
  const { classes, guidanceInterval, threshold, maxPatchLength, entropyWeights } = values;
  const hasNull = hasNullClass(generator);
  const outside = classes.find((label) => firstClass(label) > (hasNull ? numClasses : numClasses - 1));
  if (outside !== undefined) {
    throw new UsageError(
      `--classes: expected classes from 0 to ${numClasses - 1}${hasNull ? `, or ${numClasses} for the null class` : ''}, got ${outside}.`,
    );
  }
  if (!hasNull && values.guidanceScale !== 1) {
    throw new UsageError(
      `--guidance-scale: expected 1 for '${values.checkpoint}', which was trained without a null class (class_dropout_prob 0 in ` +
        `its config.json), got ${values.guidanceScale}. Pass --guidance-scale 1.`,
    );
  }
  if (countsFromOne(classes.map(firstClass), numClasses)) {
    throw new UsageError(
      `--classes: expected classes from 0 to ${numClasses - 1}, got 1 to ${numClasses}, where ${numClasses} is the null class. ` +
        'Subtract 1 from each.',
    );
  }
  if (guidanceInterval !== undefined && guidanceInterval[1] > T) {
    throw new UsageError(`--guidance-interval: expected tokens from 0 to ${T}, got ${guidanceInterval.join(':')}.`);
  }
  if (!hasPatches && (threshold !== undefined || maxPatchLength !== undefined)) {
    throw new UsageError('expected --threshold and --max-patch-length with a DPAR model, got a LlamaGen model.');
  }
  if (!hasPatches && entropyWeights !== undefined) {
    throw new UsageError('expected --entropy-weights with a DPAR model, got a LlamaGen model.');
  }
}

/** Options of the sampler. */
export function decodingOf(values: SampleValues): Omit<SampleOptions, 'labels'> {
  const { seed, greedy, temperature, topK, topP, guidanceScale, guidanceSchedule } = values;
  const { guidanceInterval, threshold, maxPatchLength } = values;
  return {
    seed,
    greedy,
    temperature,
    topK,
    topP,
    guidanceScale,
    guidanceSchedule,
    ...(guidanceInterval !== undefined && { guidanceInterval }),
    ...(threshold !== undefined && { threshold }),
    ...(maxPatchLength !== undefined && { maxPatchLength }),
  };
}
