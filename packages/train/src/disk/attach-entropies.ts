import { openSafetensors } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { entropyCheckpointKey, findEntropies } from './entropy-parts.js';
import type { TokenLayout } from './layout.js';
import { tokenLayoutKinds } from './layout.js';

/**
 * Adds the entropies beside the tokens, or in another folder, to a layout. Without such files, entropies in the files of tokens
 * are used.
 * @param checkpoint Identity of the entropy model. Entropies in the files of tokens have no identity and are then not used.
 * @throws DparError if some entropies are missing, or of another model or other tokens.
 */
export async function withEntropies(layout: TokenLayout, folder?: string, checkpoint?: string): Promise<TokenLayout> {
  checkArguments(
    'withEntropies',
    { layout, folder, checkpoint },
    { layout: tokenLayoutKinds, 'folder?': 'string', 'checkpoint?': 'string' },
  );

  const { parts, missing } = await findEntropies(layout, folder, checkpoint);
  if (missing.length === 0) return { ...layout, entropies: parts };
  if (missing.length === parts.length && folder === undefined && checkpoint === undefined) return layout;
  throw new DparError(
    `withEntropies: expected all ${parts.length} files with entropies of '${layout.path}', got ` +
      `${parts.length - missing.length}; '${missing[0]?.path}' is missing. Compute it with 'dpar entropy' or ` +
      "'data.entropy_checkpoint'.",
  );
}

/**
 * Adds the entropies of another file, `entropies` [N, T - 1], to the layout of a set in one file.
 * @param checkpoint Identity of the entropy model, which `dpar entropy` writes into the file.
 * @throws DparError if the entropies are of another model, or the set is not in one file.
 */
export async function withEntropiesOfFile(
  layout: TokenLayout,
  path: string,
  checkpoint?: string,
): Promise<TokenLayout> {
  if (layout.shards.length !== 1) {
    throw new DparError(
      `withEntropiesOfFile: expected a folder with the entropies of '${layout.path}', got the file '${path}'. ` +
        "Compute them with 'dpar entropy --input FOLDER --output FOLDER'.",
    );
  }
  const file = await openSafetensors(path);
  await file.close();
  const made = file.metadata[entropyCheckpointKey] ?? 'unknown';
  if (checkpoint !== undefined && made !== checkpoint) {
    throw new DparError(
      `withEntropiesOfFile: expected entropies of the checkpoint ${checkpoint}, got ${made} in '${path}'. ` +
        "They are stale: remove them and compute them again with 'dpar entropy'.",
    );
  }
  return { ...layout, entropies: [{ path, first: 0, images: layout.images }] };
}
