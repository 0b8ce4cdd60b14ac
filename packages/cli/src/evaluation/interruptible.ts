import { partsFolder } from '@dpar/eval/node';
import type { Context } from '../context.js';
import { InterruptedError } from '../errors.js';
import type { Progress } from '../progress.js';
import { countOf } from '../table.js';

/** Work on the features of images. */
export interface FeatureWork {
  /** Name for the progress. */
  readonly label: string;
  readonly images: number;
  /** File or, if `parts` say so, folder in which features are kept, if they are. */
  readonly kept: string | undefined;
  /** `kept` is the folder of the parts itself. */
  readonly parts?: boolean;
}

/**
 * Runs work with its progress.
 * @throws InterruptedError that says what is kept when the signal is aborted.
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
        `'${parts ? kept : partsFolder(kept)}': run the same command again to go on.`,
    );
  } finally {
    progress?.stop();
  }
}
