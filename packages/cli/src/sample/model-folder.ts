import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkpointFiles, findFolder } from '@dpar/io/node';
import { resolveModelFolder } from '@dpar/pipeline/node';
import { isDparError } from '@dpar/tensor';

/** A model that draws, and its tokenizer if that lies beside it. */
export interface FoundModel {
  readonly checkpoint: string;
  readonly tokenizer: string | undefined;
}

/**
 * Finds the model that a path or name means: a checkpoint, or that of a model folder, of a run of `dpar create` or of an installed
 * package. A model folder with both models means DPAR.
 * @returns The path itself if there is no model; reading it then says what is missing.
 */
export async function findModel(nameOrPath: string): Promise<FoundModel> {
  const found = await findFolder(nameOrPath);
  if (found !== undefined && existsSync(join(found, checkpointFiles.config))) return withTokenizer(nameOrPath);
  try {
    const folder = resolveModelFolder(nameOrPath);
    const kind = ['dpar', 'llamagen'].find((name) => existsSync(join(folder, name, checkpointFiles.config)));
    if (kind !== undefined) return await withTokenizer(join(folder, kind));
  } catch (error) {
    if (!isDparError(error)) throw error;
  }
  return { checkpoint: nameOrPath, tokenizer: undefined };
}

async function withTokenizer(checkpoint: string): Promise<FoundModel> {
  const beside = await findFolder(join(dirname(checkpoint), 'tokenizer'));
  const isThere = beside !== undefined && existsSync(join(beside, checkpointFiles.config));
  return { checkpoint, tokenizer: isThere ? beside : undefined };
}
