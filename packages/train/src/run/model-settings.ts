import { entropyModelPresets, readEntropyModelConfig } from '@dpar/entropy';
import {
  dparPreset,
  llamaGenPreset,
  type PresetOptions,
  presets,
  readDparConfig,
  readLlamaGenConfig,
} from '@dpar/model';
import { writeConfig } from '@dpar/nn';
import { DparError, isDparError } from '@dpar/tensor';
import {
  type TrainableDparOptions,
  type TrainableModel,
  trainableDpar,
  trainableDparOptionsKinds,
  trainableEntropyModel,
  trainableLlamaGen,
} from '../batches/trainable.js';
import { checkArguments } from '../check-arguments.js';
import { type ModelSettings, trainConfigKeys } from './train-config.js';

/**
 * The model that the `model` part of a training configuration describes: its preset, changed by the keys that are given.
 * @throws DparError if keys are missing or do not go together.
 */
export function modelFromSettings(settings: ModelSettings, options: TrainableDparOptions = {}): TrainableModel {
  checkArguments(
    'modelFromSettings',
    { settings, options },
    { settings: 'object', 'options?': trainableDparOptionsKinds },
  );
  try {
    return build(settings, options);
  } catch (error) {
    if (!isDparError(error)) throw error;
    // The keys of a model's config.json stand below 'model' in a training configuration.
    const message = error.message.replace(/^\w+: /, '').replace(/'(\w+)'/g, (quoted, name: string) => {
      const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (Object.hasOwn(settings, key) || modelKeys(settings.kind).includes(key)) return `'model.${key}'`;
      return modelKeys(settings.kind).includes(`patching.${key}`) ? `'model.patching.${key}'` : quoted;
    });
    throw new DparError(`modelFromSettings: ${message}`, { cause: error });
  }
}

/** Names of the keys of a kind of model, such as `patching.threshold`. */
const modelKeys = (kind: ModelSettings['kind']): string[] =>
  trainConfigKeys(kind).flatMap(({ key }) => (key.startsWith('model.') ? [key.slice('model.'.length)] : []));

function build(settings: ModelSettings, options: TrainableDparOptions): TrainableModel {
  switch (settings.kind) {
    case 'dpar': {
      const { preset, patching, ...keys } = settings;
      const base = preset === undefined ? {} : writeConfig(dparPreset(presets[preset], presetOptions(settings)));
      const patches = { row_length: Math.sqrt(keys.block_size ?? 256), ...(base.patching as object), ...patching };
      return trainableDpar(readDparConfig({ ...base, ...keys, patching: patches }), options);
    }
    case 'llamagen': {
      const { preset, ...keys } = settings;
      const base = preset === undefined ? {} : writeConfig(llamaGenPreset(presets[preset], presetOptions(settings)));
      return trainableLlamaGen(readLlamaGenConfig({ ...base, ...keys }));
    }
    case 'entropy': {
      const { preset, ...keys } = settings;
      const base = preset === undefined ? {} : writeConfig(entropyModelPresets[preset]);
      return trainableEntropyModel(readEntropyModelConfig({ ...base, ...keys }));
    }
  }
}

function presetOptions({ block_size }: ModelSettings): PresetOptions {
  return block_size === undefined ? {} : { gridSize: Math.sqrt(block_size) };
}
