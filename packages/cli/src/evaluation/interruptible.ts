import { partsFolder } from '@dpar/eval/node';
import type { Context } from '../command/command.js';
import { InterruptedError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import type { Progress } from '../command/progress.js';

/** Work on the features of images. */
export interface FeatureWork {
  /** Name of the work, shown with its progress. */
  readonly label: string;
  readonly images: number;
  /** File, or with `parts` folder, in which features are stored; undefined if they are not stored. */
  readonly kept: string | undefined;
  /** True if `kept` is the folder of the parts. */
  readonly parts?: boolean;
}

/**
 * Runs work and shows its progress.
 * @throws InterruptedError that names the stored part when the signal is aborted.
 */
export async function interruptible<V>(
  { label, images, kept, parts = false }: FeatureWork,
  context: Context,
  work: (onProgress: (done: number, total: number) => void) => Promise<V>,
): Promise<V> {
  let progress: Progress | undefined;
  let last = { done: 0, total: images };
  try {
    return await work((done, total) => {
      progress ??= context.progress({ label, unit: 'images', total, start: done });
      progress.update(done);
      last = { done, total };
    });
  } catch (error) {
    if (!context.signal.aborted || kept === undefined) throw error;
    throw new InterruptedError(
      `interrupted after ${last.done} of ${countOf(last.total, 'image')}. Finished parts are in ` +
        `'${parts ? kept : partsFolder(kept)}': run the same command again to resume.`,
    );
  } finally {
    progress?.stop();
  }
}
