import { openImageSource } from '@dpar/images/node';
import { initializeParameters } from '@dpar/nn';
import type { Engine } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type TrainingDataOptions, trainingDataOptionsKinds } from '../disk/training-data.js';
import { TokenizerTrainer } from '../trainer/tokenizer-trainer.js';
import { scheduleOf } from './config-keys.js';
import { architectureFromSettings } from './model-settings.js';
import { startingParameters } from './starting-parameters.js';
import { parseTrainConfig, type TokenizerTrainConfig } from './train-config.js';

/** Options for the data of a run. */
export interface RunDataOptions extends TrainingDataOptions {
  /** Called with a sentence for people, such as about a damaged picture. */
  readonly onNote?: ((text: string) => void) | undefined;
}
