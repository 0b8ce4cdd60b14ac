import type { DataProgress } from '@dpar/train/node';
import type { Context } from '../command/command.js';
import type { Progress } from '../command/progress.js';

/** Shows the progress of the data's preparation, with a bar for each stage. */
export function dataProgress(context: Context): { update(progress: DataProgress): void; stop(): void } {
  let shown: { readonly stage: DataProgress['stage']; readonly progress: Progress } | undefined;
  const stop = (): void => {
    shown?.progress.stop();
    shown = undefined;
  };
  return {
    update({ stage, done, total }) {
      if (shown?.stage !== stage) {
        stop();
        shown = { stage, progress: context.progress({ label: stage, unit: 'images', total, start: done }) };
      }
      shown?.progress.update(done);
      if (done >= total) stop();
    },
    stop,
  };
}
