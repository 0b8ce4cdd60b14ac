import { describeMachine, spreadOf } from '@dpar/example-kit';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { compareEngines } from './engines.js';
import { type TestResult, test } from './tfjs/evaluate.js';
import { train } from './tfjs/train.js';
import { type Settings, type Size, type Variant, variants } from './variants.js';
import { type Digits, loadDigits, select } from './vision/digits.js';

/** A variant, trained and tested with one seed. */
export interface Run {
  readonly seed: number;
  /** Processor seconds of training. */
  readonly cpuSeconds: number;
  readonly finalLoss: number;
  /** Mean tokens of a training picture. */
  readonly trainTokens: number;
  readonly tests: readonly Test[];
}

/** Result of a test of one kind. */
export interface Test extends TestResult {
  readonly size: Size;
  /** True for a test that merges patches as in training. */
  readonly asTrained: boolean;
}

/** A variant with its runs, one for each seed. */
export interface VariantResult {
  readonly variant: Variant;
  readonly runs: readonly Run[];
}

/** All results of the example. */
export interface Results {
  readonly command: string;
  readonly machine: string;
  readonly settings: Settings;
  readonly variants: readonly VariantResult[];
  /** Largest difference from plain JavaScript between rotated queries, by engine. */
  readonly engineDifferences: Readonly<Record<string, number>>;
}

/** Trains and tests all variants with all seeds. Variants take turns, so that other load on the machine affects all alike. */
export async function runExperiment(
  settings: Settings,
  command: string,
  say: (line: string) => void,
): Promise<Results> {
  await tf.setBackend('wasm');
  await tf.ready();
  const digits = await loadDigits();
  const results = variants.map((variant) => ({ variant, runs: [] as Run[] }));
  for (const seed of settings.seeds) {
    for (const { variant, runs } of results) {
      const run = runOne(variant, settings, digits, seed);
      runs.push(run);
      const [first] = run.tests;
      say(
        `seed ${seed}, ${variant.merged ? 'merged' : 'all'} patches, ${variant.name}: ` +
          `${(100 * (first?.accuracy ?? 0)).toFixed(1)} % correct, ${run.cpuSeconds.toFixed(0)} s of training`,
      );
    }
  }
  const engineDifferences = await compareEngines();
  return { command, machine: describeMachine(), settings, variants: results, engineDifferences };
}

function runOne(
  variant: Variant,
  settings: Settings,
  { train: trainDigits, test: testDigits }: { train: Digits; test: Digits },
  seed: number,
): Run {
  const model = train(variant, settings, spread(trainDigits, settings.trainPictures), seed);
  const few = spread(testDigits, settings.otherPictures);
  const { size, otherSizes } = settings;
  const tests: Test[] = [
    { size, asTrained: true, ...test(model, spread(testDigits, settings.testPictures), size) },
    ...otherSizes.map((other) => ({ size: other, asTrained: true, ...test(model, few, other) })),
  ];
  if (variant.merged) tests.push({ size, asTrained: false, ...test(model, few, size, false) });
  for (const weight of Object.values(model.weights)) weight.dispose();
  return {
    seed,
    cpuSeconds: model.cpuSeconds,
    finalLoss: spreadOf(model.losses.slice(-50)).mean,
    trainTokens: model.meanTokens,
    tests,
  };
}

/** Takes `count` digits, evenly spread over all. */
function spread(digits: Digits, count: number): Digits {
  const stride = digits.labels.length / count;
  const order = Array.from({ length: count }, (_, i) => Math.floor(i * stride));
  return select(digits, order);
}
