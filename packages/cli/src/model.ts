import { checkpointFiles, readCheckpoint } from '@dpar/io/node';
import { checkParameters } from '@dpar/nn';
import type { HostTensor, Tensors } from '@dpar/tensor';
import { type TrainableModel, trainableModel } from '@dpar/train';
import { trainerFiles } from '@dpar/train/node';
import { CommandError } from './command/errors.js';
import type { JsonObject } from './input-files.js';

/** What a model is made of. */
export interface ModelContent {
  /** config.json */
  readonly config: JsonObject;
  readonly parameters: Tensors<HostTensor>;
}

/** A checkpoint's model and weights. */
export interface LoadedModel extends ModelContent {
  readonly model: TrainableModel;
  /** What is wrong with the files without touching the weights, for the user. */
  readonly notes: readonly string[];
}

/** The file of a checkpoint's weights, or of their moving average. */
export function weightsFile(average: boolean): string {
  return average ? trainerFiles.average : checkpointFiles.model;
}

/**
 * Loads a checkpoint folder.
 * @param kinds Kinds of model that are wanted; all by default.
 * @param average Whether the moving average of the weights is wanted, which training with `average_decay` keeps.
 * @throws CommandError for another kind; DparError if the weights are not those of the configuration.
 */
export async function loadModel(
  folder: string,
  kinds: readonly TrainableModel['kind'][] = ['dpar', 'llamagen', 'entropy'],
  average = false,
): Promise<LoadedModel> {
  const { config, parameters, notes = [] } = await readCheckpoint(folder, { weights: weightsFile(average) });
  if (!kinds.some((kind) => kind === config.kind)) {
    const wanted = kinds.map((kind) => `"${kind}"`).join(' or ');
    throw new CommandError(
      `expected a model of kind ${wanted} in '${folder}', got ${JSON.stringify(config.kind) ?? "no 'kind'"} in its config.json. ` +
        'Pass the folder of another checkpoint.',
    );
  }
  const model = trainableModel(config);
  checkParameters(model.specs, parameters);
  return { model, config, parameters, notes };
}
