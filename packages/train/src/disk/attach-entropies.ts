import { openSafetensors } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { entropyCheckpointKey, findEntropies } from './entropy-parts.js';
import type { TokenLayout } from './layout.js';
import { tokenLayoutKinds } from './layout.js';

/**
 * The layout with the entropies beside its tokens, or in another folder; those in the files of tokens count where there
 * are none beside them.
 * @param checkpoint Identity of the entropy model that they must be of. Entropies in the files of tokens do not tell theirs
 * and are then not taken.
 * @throws DparError if some are missing, or stale.
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
      `${parts.length - missing.length}; '${missing[0]?.path}' is missing. Go on computing them with 'dpar entropy' or ` +
      "'data.entropy_checkpoint'.",
  );
}

/**
 * The layout of a set in one file with the entropies of another file, `entropies` [N, T - 1].
 * @param checkpoint Identity of the entropy model that they must be of: the file tells it if `dpar entropy` wrote it.
 * @throws DparError if they are of another model, or the set is not in one file.
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
