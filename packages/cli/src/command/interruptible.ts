import type { OnShardProgress } from '@dpar/shards';
import type { Context } from './command.js';
import { InterruptedError } from './errors.js';
import { countOf } from './format.js';
import type { Progress } from './progress.js';

/**
 * Runs resumable work on images with its progress.
 * @param place Folder or file that keeps images for later runs; undefined if nothing is kept.
 * @throws InterruptedError that says how many images are kept, if any are, when the signal is aborted.
 */
export async function interruptible<V>(
  label: string,
  place: string | undefined,
  context: Context,
  work: (onProgress: OnShardProgress) => Promise<V>,
): Promise<V> {
  let progress: Progress | undefined;
  let last = { kept: 0, total: 0 };
  try {
    return await work((done, total, kept) => {
      progress ??= context.progress({ label, unit: 'images', total, start: done });
      progress.update(done);
      last = { kept, total };
    });
  } catch (error) {
    const { kept, total } = last;
    if (!context.signal.aborted || place === undefined || kept === 0) throw error;
    throw new InterruptedError(
      `interrupted. ${kept} of ${countOf(total, 'image')} are in '${place}': run the same command again to resume.`,
    );
  } finally {
    progress?.stop();
  }
}
