import { join } from 'node:path';
import { recoverFolder } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { findCheckpoint, runFiles, runFilesIn, type WholeCheckpoint, watchFiles } from './run-folder.js';

/**
 * Opens the output folder of a run: removes what a killed run left half done, and finds the checkpoint to go on from.
 * @param resume Whether a run that is there may be gone on with.
 * @param onNote Told if there is nothing to resume, and which newer checkpoints are damaged.
 * @returns The newest whole checkpoint; undefined if the run starts from the beginning.
 * @throws DparError if there is a run and `resume` is not set, or all of its checkpoints are damaged.
 */
export async function openRunFolder(
  output: string,
  resume: boolean,
  onNote: (text: string) => void = () => {},
): Promise<WholeCheckpoint | undefined> {
  const present = await runFilesIn(output);
  if (!resume && present.length > 0) {
    throw new DparError(
      `train: expected an output folder without a run, got ${present.join(', ')} in '${output}'. ` +
        'Pass --resume to go on with that run, or choose another output.',
    );
  }
  await recoverFolder(output, [...Object.values(runFiles), ...Object.values(watchFiles)]);
  await recoverFolder(join(output, watchFiles.samples));
  await recoverFolder(join(output, runFiles.checkpoints));
  if (!resume) return undefined;
  const { whole, damaged } = await findCheckpoint(output);
  if (whole === undefined && damaged.length > 0) {
    throw new DparError(
      `train: expected a whole checkpoint in '${output}', got damaged ones alone. ${damaged.join(' ')} ` +
        'Bring one back from a copy, or choose another output to start from the beginning.',
    );
  }
  for (const text of damaged) onNote(`WARNING: ${text}`);
  if (whole === undefined) onNote(`nothing to resume in '${output}': starts from the beginning`);
  return whole;
}
