import { availableParallelism, cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { compareEngines } from './engines.js';
import { test, train } from './tfjs/train.js';
import { type Settings, type Size, type Variant, variants } from './variants.js';
import { type Digits, loadDigits, select } from './vision/digits.js';

/** One variant, trained and tested with one seed. */
export interface Run {
  readonly seed: number;
  /** Processor seconds of training. */
  readonly cpuSeconds: number;
  readonly finalLoss: number;
  /** Tokens of a training picture. */
  readonly trainTokens: number;
  readonly tests: readonly Test[];
}

/** Result of a test of one kind. */
export interface Test {
  readonly size: Size;
  /** Whether the test merged patches as training did. */
  readonly asTrained: boolean;
  readonly accuracy: number;
  readonly meanTokens: number;
}

/** A variant with its runs, one for each seed. */
export interface VariantResult {
  readonly variant: Variant;
  readonly runs: readonly Run[];
}

/** All that the example finds out. */
export interface Results {
  readonly command: string;
  readonly machine: string;
  readonly settings: Settings;
  readonly variants: readonly VariantResult[];
  /** Largest difference from plain JavaScript between rotated queries, by engine. */
  readonly engineDifferences: Readonly<Record<string, number>>;
}

/** Trains and tests all variants with all seeds. Variants take turns, so that a busy minute hurts none alone. */
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
          `${(100 * (first?.accuracy ?? 0)).toFixed(1)} % right, ${run.cpuSeconds.toFixed(0)} s of training`,
      );
    }
  }
  const machine = `${cpus()[0]?.model.trim() ?? process.arch}, ${availableParallelism()} cores, Node ${process.versions.node}`;
  return { command, machine, settings, variants: results, engineDifferences: await compareEngines() };
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
  const last = model.losses.slice(-50);
  for (const weight of Object.values(model.weights)) weight.dispose();
  return {
    seed,
    cpuSeconds: model.cpuSeconds,
    finalLoss: last.reduce((sum, loss) => sum + loss, 0) / last.length,
    trainTokens: model.meanTokens,
    tests,
  };
}

/** So many of the digits, evenly spread over all. */
function spread(digits: Digits, count: number): Digits {
  const stride = digits.labels.length / count;
  return select(
    digits,
    Array.from({ length: count }, (_, i) => Math.floor(i * stride)),
  );
}
