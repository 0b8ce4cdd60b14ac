import { DparError } from '@dpar/tensor';
import { dataPathKeys, perceptualNetworkKey } from './data-identity.js';
import { readTrainConfig, type TrainConfig } from './train-config.js';
import type { TrainerState } from './trainer-state.js';

/** A value that differs between two JSON objects. */
export interface Difference {
  /** `optimizer.learning_rate` */
  readonly key: string;
  /** Undefined where the first object has no such key. */
  readonly expected: unknown;
  readonly got: unknown;
}

/** Keys in which two JSON values differ, in the order of the first, then the second. Lists are compared as a whole. */
export function differences(expected: unknown, got: unknown, key = ''): Difference[] {
  if (isObject(expected) && isObject(got)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(got)]);
    const path = (name: string): string => (key === '' ? name : `${key}.${name}`);
    return [...keys].flatMap((name) => differences(expected[name], got[name], path(name)));
  }
  return JSON.stringify(expected) === JSON.stringify(got) ? [] : [{ key, expected, got }];
}

/** `'seed' 4 in place of 3, 'model.dim' none in place of 16` */
export function formatDifferences(found: readonly Difference[]): string {
  const shown = (value: unknown): string => JSON.stringify(value) ?? 'none';
  return found.map(({ key, expected, got }) => `'${key}' ${shown(got)} in place of ${shown(expected)}`).join(', ');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys that may change when a run is resumed, with all keys below them. They do not affect the result. */
const freeKeys: readonly string[] = [
  'output',
  'validate_every',
  'checkpoints',
  'samples',
  'tensorboard',
  'features',
  'data.prefetch_batches',
  'data.threads',
  // Of these the contents are compared instead.
  'init_from',
  ...dataPathKeys.map((key) => `data.${key}`),
  perceptualNetworkKey,
];

/** The configuration in a checkpoint: without the output folder. */
export function recordedConfig({ output, ...config }: TrainConfig): Omit<TrainConfig, 'output'> {
  return config;
}

/**
 * Checks that a resumed run has the settings and the data that it was started with.
 * @param data Digests of the current data.
 * @throws DparError naming each key that differs, with both values.
 */
export function checkResumable(config: TrainConfig, data: Readonly<Record<string, string>>, state: TrainerState): void {
  const { output } = config;
  if (state.config === null) {
    throw new DparError(
      `train: expected a checkpoint with its training configuration in '${output}', got one without. ` +
        'Resume with the program that wrote it, or choose another output.',
    );
  }
  // Keys that are newer than the checkpoint have their defaults.
  const started = recordedConfig(readTrainConfig({ ...state.config, output }));
  const settings = differences(started, recordedConfig(config)).filter((difference) => !isFree(difference, config));
  const changed = [...settings, ...differences(state.data, data)];
  if (changed.length === 0) return;
  const steps = changed.some(({ key }) => key === 'steps')
    ? ' Steps can be raised only with a constant schedule; other schedules depend on them.'
    : '';
  const contents = changed.some(({ expected, got }) => isDigest(expected) && isDigest(got))
    ? ' Data with another digest have different contents.'
    : '';
  throw new DparError(
    `train: expected the settings and data that the run in '${output}' was started with, got ${formatDifferences(changed)}. ` +
      `Resume with the original ones, or choose another output for a new run.${contents}${steps}`,
  );
}

const isDigest = (value: unknown): boolean => typeof value === 'string' && value.startsWith('sha256:');

function isFree({ key, expected, got }: Difference, { optimizer }: TrainConfig): boolean {
  if (key === 'steps') return optimizer.schedule === 'constant' && Number(got) > Number(expected);
  return freeKeys.some((name) => key === name || key.startsWith(`${name}.`));
}
