import type { FeatureNetwork } from '@dpar/eval';
import type { Engine } from '@dpar/tensor';
import type { ImageTokenizer } from '@dpar/tokenizer';
import type { Stages } from '../../../emoji/src/progress.js';
import type { Settings } from '../settings.js';
import type { Cache } from './cache.js';
import type { EmojiData } from './images.js';
import type { WorkLog } from './work.js';

/** What all experiments share. */
export interface Lab {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly cache: Cache;
  readonly stages: Stages;
  /** Does what is kept in the cache, and measures the time. */
  readonly work: WorkLog;
  /** The tokenizer of @dpar/emoji: 1024 codes of 4x4 pixels. */
  readonly tokenizer: ImageTokenizer;
  /** Images and tokens, which are made when they are first asked for. */
  readonly data: EmojiData;
  /** What turns images into features; made when it is first asked for. */
  features(): Promise<FeatureNetwork>;
}
