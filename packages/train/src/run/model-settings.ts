import { imageModelKinds } from '@dpar/model';
import {
  architectureOf,
  type ImageArchitecture,
  initializeParameters,
  kindOfConfig,
  type ModelKind,
  type ParameterSpec,
  type ParameterSpecs,
  snakeCase,
} from '@dpar/nn';
import { DparError, type HostTensor, isDparError } from '@dpar/tensor';
import { type TokenizerArchitecture, tokenizerKinds } from '@dpar/tokenizer';
import { checkArguments } from '../check-arguments.js';
import { type ModelSettings, trainConfigKeys } from './train-config.js';

/**
 * The model without weights that the `model` part of the training configuration of a model of image tokens describes.
 * @throws DparError naming the keys of the configuration that are missing or do not fit together.
 */
export function architectureFromSettings(settings: ModelSettings): ImageArchitecture {
  checkArguments('architectureFromSettings', { settings }, { settings: 'object' });
  return architectureAmong(imageModelKinds, settings);
}

/** The tokenizer without weights that the `model` part of its configuration describes: see {@link architectureFromSettings}. */
export function tokenizerFromSettings(settings: ModelSettings): TokenizerArchitecture {
  checkArguments('tokenizerFromSettings', { settings }, { settings: 'object' });
  return architectureAmong(tokenizerKinds, settings);
}

function architectureAmong<K extends ModelKind>(kinds: readonly K[], settings: ModelSettings) {
  try {
    const architecture = architectureOf(kindOfConfig('architectureOf', kinds, settings), settings);
    architecture.kind.specs(architecture.config); // throws for sizes that do not fit together
    return architecture;
  } catch (error) {
    if (!isDparError(error)) throw error;
    const keys = trainConfigKeys(settings.kind).map(({ key }) => key);
    const message = error.message.replace(/^[\w.]+: /, '').replace(/'([\w.]+)'/g, (quoted, name: string) => {
      const ending = `.${snakeCase(name)}`;
      const key = keys.find((known) => known.startsWith('model.') && known.endsWith(ending));
      return key === undefined ? quoted : `'${key}'`;
    });
    throw new DparError(`architectureFromSettings: ${message}`, { cause: error });
  }
}

/** Standard deviation of embeddings; of linear layers, after multiplication by the root of their inputs. */
const narrowScale = 0.7;

/**
 * Draws initial parameters of a narrow model. The paper's standard deviation of 0.02 suits widths of 768 and more. At a
 * width of 100, such layers are weak and updates change them much, so that a short run learns little.
 * Here linear layers start with 0.7 / sqrt(inputs), which is 0.025 at a width of 768, and embeddings with 0.7.
 * Norms, the output layer and cross-attention start as usual.
 */
export function initializeNarrow(specs: ParameterSpecs, seed: number): Record<string, HostTensor> {
  checkArguments('initializeNarrow', { specs, seed }, { specs: 'object', seed: 'number' });

  const entries = Object.entries(specs).map(([name, spec]): [string, ParameterSpec] => {
    const { shape, initializer } = spec;
    if (initializer.kind !== 'normal') return [name, spec];
    const std = name.includes('embedding') ? narrowScale : narrowScale / Math.sqrt(shape[1] ?? 1);
    return [name, { shape, initializer: { kind: 'normal', std } }];
  });
  return initializeParameters(Object.fromEntries(entries), seed);
}
