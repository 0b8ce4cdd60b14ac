import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel } from '@dpar/model/node';
import { resolveModelFolder } from '@dpar/pipeline/node';
import type { Engine } from '@dpar/tensor';
import { type ModelSettings, trainConfigKeys } from '@dpar/train';
import { CommandError } from '../command/errors.js';
import { openTokenizer } from '../tokenizer.js';
import type { Plan, StartingModels } from './plan.js';
import type { TokenModel } from './stage.js';

/** Models that a round starts from, with their place. */
export interface Start extends StartingModels {
  /** Width and height of their pictures in pixels. */
  readonly resolution: number;
  /** Checkpoint of the tokenizer. */
  readonly tokenizer: string;
  /** Checkpoints by model. */
  readonly folders: Readonly<Partial<Record<TokenModel, string>>>;
}

/**
 * Reads the models of a model folder.
 * @param tokens Tokens of an earlier round of the same run.
 * @throws CommandError if the folder has no tokenizer or no DPAR.
 */
export async function readStart(engine: Engine, folder: string, tokens?: Plan): Promise<Start> {
  const root = resolveModelFolder(folder);
  for (const name of ['tokenizer', 'dpar']) {
    if (existsSync(join(root, name))) continue;
    throw new CommandError(
      `expected a model folder with 'tokenizer' and 'dpar' at '${folder}', got one without '${name}'. Check the path.`,
    );
  }
  const place = join(root, 'tokenizer');
  const tokenizer = await openTokenizer(place, engine);
  const { codebookSize, factor, imageSize } = tokenizer;
  await tokenizer.dispose();
  const models: Partial<Record<TokenModel, ModelSettings>> = {};
  const folders: Partial<Record<TokenModel, string>> = {};
  for (const name of ['entropy', 'dpar', 'llamagen'] as const) {
    if (!existsSync(join(root, name))) continue;
    folders[name] = join(root, name);
    models[name] = await settingsOf(join(root, name));
  }
  return {
    codes: codebookSize,
    pixelsPerToken: factor,
    resolution: imageSize,
    tokenizer: place,
    models,
    folders,
    tokens,
  };
}

/** `model` keys of a checkpoint for training. The threshold of its head is calibrated anew. A DPAR without a head gets one. */
async function settingsOf(folder: string): Promise<ModelSettings> {
  const { kind, config } = await loadModel(folder);
  const keys = new Set(trainConfigKeys(kind.name).map(({ key }) => key));
  const written = Object.entries(kind.writeConfig(config)).filter(([name]) => keys.has(`model.${name}`));
  const json = Object.fromEntries(written) as ModelSettings;
  if (json.kind !== 'dpar') return json;
  const { threshold: _, ...head } = Object(json.boundary_head ?? { hidden_width: json.dim });
  return { ...json, boundary_head: head };
}
