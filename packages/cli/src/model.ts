import { readCheckpoint } from '@dpar/io/node';
import { checkParameters } from '@dpar/nn';
import type { HostTensor, Tensors } from '@dpar/tensor';
import { type TrainableModel, trainableModel } from '@dpar/train';
import { CommandError } from './errors.js';
import type { JsonObject } from './json-file.js';

/** What a model is made of. */
export interface ModelContent {
  /** config.json */
  readonly config: JsonObject;
  readonly parameters: Tensors<HostTensor>;
}

/** A checkpoint's model and weights. */
export interface LoadedModel extends ModelContent {
  readonly model: TrainableModel;
}

/**
 * Loads a checkpoint folder.
 * @param kinds Kinds of model that are wanted; all by default.
 * @throws CommandError for another kind; DparError if the weights are not those of the configuration.
 */
export async function loadModel(
  folder: string,
  kinds: readonly TrainableModel['kind'][] = ['dpar', 'llamagen', 'entropy'],
): Promise<LoadedModel> {
  const { config, parameters } = await readCheckpoint(folder);
  if (!kinds.some((kind) => kind === config.kind)) {
    const wanted = kinds.map((kind) => `"${kind}"`).join(' or ');
    throw new CommandError(
      `expected a model of kind ${wanted} in '${folder}', got ${JSON.stringify(config.kind) ?? "no 'kind'"} in its config.json. ` +
        (config.kind === 'vq'
          ? 'Tokenizers (vq) are not in this version yet.'
          : 'Pass the folder of another checkpoint.'),
    );
  }
  const model = trainableModel(config);
  checkParameters(model.specs, parameters);
  return { model, config, parameters };
}
