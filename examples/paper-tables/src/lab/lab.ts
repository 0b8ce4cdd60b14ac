import type { FeatureNetwork } from '@dpar/eval';
import type { Stages } from '@dpar/example-kit';
import type { Engine } from '@dpar/tensor';
import type { ImageTokenizer } from '@dpar/tokenizer';
import type { Settings } from '../settings.js';
import type { Cache } from './cache.js';
import type { EmojiData } from './images.js';
import type { WorkLog } from './work.js';

/** Everything that experiments share. */
export interface Lab {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly cache: Cache;
  readonly stages: Stages;
  /** Makes entries of the cache and measures their time. */
  readonly work: WorkLog;
  /** The tokenizer of @dpar/emoji: 1024 codes of 4x4 pixels. */
  readonly tokenizer: ImageTokenizer;
  /** Images and tokens, made on first use. */
  readonly data: EmojiData;
  /** Network that turns images into features, made on first use. */
  features(): Promise<FeatureNetwork>;
}
