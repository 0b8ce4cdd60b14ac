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
import { checkArguments } from './check-arguments.js';
import type { ModelSettings } from './train-config.js';
import {
  type TrainableDparOptions,
  type TrainableModel,
  trainableDpar,
  trainableDparOptionsKinds,
  trainableEntropyModel,
  trainableLlamaGen,
} from './trainable.js';

/**
 * The model that the `model` part of a training configuration describes: its preset, changed by the keys that are given.
 * @throws DparError if keys are missing or do not go together.
 */
export function modelFromSettings(settings: ModelSettings, options: TrainableDparOptions = {}): TrainableModel {
  checkArguments(
    'modelFromSettings',
    { settings, options },
    {
      settings: [
        {
          kind: "'dpar'",
          'n_local_encoder_layers?': 'number',
          'n_local_decoder_layers?': 'number',
          'embedding_type?': "'dynamic_4d' | 'dynamic_3d' | '2d' | null",
          'encoder_block_causal?': 'boolean',
          'predict_eoi_token?': 'boolean',
          'patching?': {
            'mode?': "'entropy_row_boundary' | 'static' | 'token'",
            'threshold?': 'number | null',
            'max_patch_length?': 'number | null',
            'row_length?': 'number',
            '*': 'any',
          },
          'dim?': 'number',
          'n_layer?': 'number',
          'n_head?': 'number',
          'multiple_of?': 'number',
          'vocab_size?': 'number',
          'block_size?': 'number',
          'num_classes?': 'number',
          'rope_base?': 'number',
          'norm_eps?': 'number',
          'preset?': "'nano' | 'micro' | 'mini' | 'B' | 'L' | 'L-E2D3' | 'L-E3D2' | 'L-E4D1' | 'XL' | 'XXL' | 'XXXL'",
          '*': 'any',
        },
        {
          kind: "'llamagen'",
          'dim?': 'number',
          'n_layer?': 'number',
          'n_head?': 'number',
          'multiple_of?': 'number',
          'vocab_size?': 'number',
          'block_size?': 'number',
          'num_classes?': 'number',
          'rope_base?': 'number',
          'norm_eps?': 'number',
          'preset?': "'nano' | 'micro' | 'mini' | 'B' | 'L' | 'L-E2D3' | 'L-E3D2' | 'L-E4D1' | 'XL' | 'XXL' | 'XXXL'",
          '*': 'any',
        },
        {
          kind: "'entropy'",
          'dim?': 'number',
          'n_layer?': 'number',
          'n_head?': 'number',
          'multiple_of?': 'number',
          'vocab_size?': 'number',
          'block_size?': 'number',
          'num_classes?': 'number',
          'rope_base?': 'number',
          'norm_eps?': 'number',
          'preset?': "'nano' | 'B' | 'S' | 'T'",
          '*': 'any',
        },
      ],
      'options?': trainableDparOptionsKinds,
    },
  );

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
