import type { KindsOf } from '@dpar/check';
import { type EntropyModelConfig, readEntropyModelConfig } from '@dpar/entropy';
import { checkpointIdentity, readCheckpoint } from '@dpar/io/node';
import { checkParameters } from '@dpar/nn';
import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { trainableEntropyModel } from '../batches/trainable.js';
import { checkArguments } from '../check-arguments.js';

/** An entropy model with its weights, and what tells it from all others. */
export interface LoadedEntropyModel {
  readonly config: EntropyModelConfig;
  /** By official name, float32. */
  readonly parameters: Tensors<HostTensor>;
  /** See `checkpointIdentity`. */
  readonly identity: string;
}

/** Kinds of {@link LoadedEntropyModel}. */
export const loadedEntropyModelKinds: KindsOf<LoadedEntropyModel> = {
  config: { clsTokenNum: 'number', nLayer: 'number', vocabSize: 'number', '*': 'any' },
  parameters: 'object',
  identity: 'string',
  '*': 'any',
};

/** Loads the checkpoint of an entropy model. @throws DparError if it is of another kind or its weights do not fit. */
export async function loadEntropyModel(folder: string): Promise<LoadedEntropyModel> {
  checkArguments('loadEntropyModel', { folder }, { folder: 'string' });

  const { config: json, parameters } = await readCheckpoint(folder);
  if (json.kind !== 'entropy') {
    throw new DparError(
      `loadEntropyModel: expected a model of kind "entropy" in '${folder}', got ${JSON.stringify(json.kind) ?? 'none'}. ` +
        'Pass the checkpoint of an entropy model.',
    );
  }
  const config = readEntropyModelConfig(json);
  checkParameters(trainableEntropyModel(config).specs, parameters);
  return { config, parameters, identity: await checkpointIdentity(folder) };
}
