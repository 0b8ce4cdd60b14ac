import { imageModelKinds } from '@dpar/model';
import { architectureOf, type ImageArchitecture, kindOfConfig, snakeCase } from '@dpar/nn';
import { DparError, isDparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type ModelSettings, trainConfigKeys } from './train-config.js';

/**
 * The model, without weights, that the `model` part of a training configuration describes.
 * @throws DparError if keys are missing or do not go together, under their names in the configuration.
 */
export function architectureFromSettings(settings: ModelSettings): ImageArchitecture {
  checkArguments('architectureFromSettings', { settings }, { settings: 'object' });
  try {
    const architecture = architectureOf(kindOfConfig('architectureOf', imageModelKinds, settings), settings);
    architecture.kind.specs(architecture.config); // checks sizes that must go together
    return architecture;
  } catch (error) {
    if (!isDparError(error)) throw error;
    const keys = trainConfigKeys(settings.kind).map(({ key }) => key);
    const message = error.message.replace(/^\w+: /, '').replace(/'([\w.]+)'/g, (quoted, name: string) => {
      const ending = `.${snakeCase(name)}`;
      const key = keys.find((known) => known.startsWith('model.') && known.endsWith(ending));
      return key === undefined ? quoted : `'${key}'`;
    });
    throw new DparError(`architectureFromSettings: ${message}`, { cause: error });
  }
}
