import * as tf from '@tensorflow/tfjs';
import type { Size } from '../variants.js';
import { batchOf } from '../vision/batch.js';
import { type Digits, scatter } from '../vision/digits.js';
import { randomNumbers } from '../vision/random.js';
import { tokenize } from '../vision/tokens.js';
import { inputOf, type Model } from './train.js';
import { classify } from './transformer.js';

/** Result of a test. */
export interface TestResult {
  /** Share of pictures whose digit is recognised. */
  readonly accuracy: number;
  readonly meanTokens: number;
}

/**
 * Tests on digits at fixed places, the same for all variants and seeds.
 * @param merged True to merge patches (default: as in training).
 */
export function test(model: Model, digits: Digits, size: Size, merged = model.variant.merged): TestResult {
  const { pictures, labels } = scatter(digits, ...size, randomNumbers(7));
  const tolerance = merged ? model.settings.tolerance : undefined;
  const tokens = pictures.map((picture) => tokenize(picture, tolerance));
  let right = 0;
  const batchSize = 50;
  for (let start = 0; start < tokens.length; start += batchSize) {
    tf.tidy(() => {
      const input = inputOf(model, batchOf(tokens.slice(start, start + batchSize)));
      const predicted = classify(model.config, model.weights, input).argMax(-1).dataSync();
      right += predicted.filter((digit, i) => digit === labels[start + i]).length;
    });
  }
  const total = tokens.reduce((sum, { lengths }) => sum + lengths.length, 0);
  return { accuracy: right / tokens.length, meanTokens: total / tokens.length };
}
