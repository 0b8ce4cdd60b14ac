import { type EntropyModelConfig, entropyModelPresets } from '@dpar/entropy';
import { llamaGenPreset, presets } from '@dpar/model';

/** Sizes of the entropy model: GPT-T (6 layers, 512 wide), GPT-B (12 layers, 768 wide). */
export type EntropyModelSize = 'T' | 'B';

/** An entropy model for the tokens of the base models, `gridSize` rows of as many. */
export function entropyConfig(size: EntropyModelSize, gridSize: number): EntropyModelConfig {
  return { ...llamaGenPreset(presets.B, { gridSize }), ...entropyModelPresets[size], clsTokenNum: 0 };
}
