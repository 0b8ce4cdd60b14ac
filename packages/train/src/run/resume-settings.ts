import { DparError } from '@dpar/tensor';
import { dataPathKeys } from './data-identity.js';
import { type Difference, differences, formatDifferences } from './differences.js';
import { readTrainConfig, type TrainConfig } from './train-config.js';
import type { TrainerState } from './trainer-state.js';

/** Keys that may change when a run goes on, with all below them: what is learnt does not depend on them. */
const free: readonly string[] = [
  ...['output', 'validate_every', 'checkpoints', 'samples', 'tensorboard', 'data.prefetch_batches'],
  // Their content is compared.
  ...dataPathKeys.map((key) => `data.${key}`),
];

/** The configuration as a checkpoint records it: without the folder that it lies in. */
export function recordedConfig({ output, ...config }: TrainConfig): Omit<TrainConfig, 'output'> {
  return config;
}

/**
 * Checks that a run can go on from a checkpoint with a configuration as if it had had that from the beginning.
 * @param data What the data are now.
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
  // Keys that did not exist when it was written have their defaults.
  const started = recordedConfig(readTrainConfig({ ...state.config, output }));
  const settings = differences(started, recordedConfig(config)).filter((difference) => !isFree(difference, config));
  const changed = [...settings, ...differences(state.data, data)];
  if (changed.length === 0) return;
  const steps = changed.some(({ key }) => key === 'steps')
    ? ' Steps can be raised if the schedule is constant, else they are part of it.'
    : '';
  const contents = changed.some(({ expected, got }) => isDigest(expected) && isDigest(got))
    ? ' Data of another digest have other content.'
    : '';
  throw new DparError(
    `train: expected the settings and data that the run in '${output}' was started with, got ${formatDifferences(changed)}. ` +
      `Go on with those, or choose another output for a new run.${contents}${steps}`,
  );
}

const isDigest = (value: unknown): boolean => typeof value === 'string' && value.startsWith('sha256:');

function isFree({ key, expected, got }: Difference, { optimizer }: TrainConfig): boolean {
  if (key === 'steps') return optimizer.schedule === 'constant' && Number(got) > Number(expected);
  return free.some((name) => key === name || key.startsWith(`${name}.`));
}
