import type { EmojiModel } from '@dpar/emoji';
import type { Engine } from '@dpar/tensor';
import { loadAnalysts } from '../model/analyser.js';
import type { OpenModel } from '../model/open-model.js';
import type { Reply } from '../worker/protocol.js';
import { readOnce } from '../worker/read-once.js';
import { Studio } from '../worker/studio.js';
import { openModel } from './open-model.js';

/** A studio whose replies can be waited for, and which reads weights with `load`. */
export async function started(engine: Engine, model: EmojiModel, load: OpenModel['load'] = openModel(model).load) {
  const replies: Reply[] = [];
  const waiting: (() => void)[] = [];
  const open: OpenModel = readOnce({ ...openModel(model), load });
  const studio = new Studio(engine, open, await loadAnalysts(open), Promise.resolve(), (reply) => {
    replies.push(reply);
    for (const wake of waiting.splice(0)) wake();
  });
  const until = async (isIt: (reply: Reply) => boolean): Promise<Reply> => {
    for (;;) {
      const found = replies.find(isIt);
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { studio, replies, until };
}
