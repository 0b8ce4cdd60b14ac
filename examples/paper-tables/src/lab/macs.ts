import { dparMatmulMacs, llamaGenMatmulMacs, readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { modelFromSettings, readTrainConfig } from '@dpar/train';
import type { ModelRecipe } from '../recipes.js';
import type { Lab } from './lab.js';
import { modelKeys, type PatchedData } from './models.js';

/**
 * Multiply-accumulates of a forward pass for one image, attention included.
 * @param patches Mean number of patches of an image.
 */
export function forwardMacs(lab: Lab, recipe: ModelRecipe, data: PatchedData, patches: number): number {
  // The configuration of a run that never takes place: only its `model` keys are used.
  const config = readTrainConfig({ model: modelKeys(lab, recipe, data), data: { tokens: '' }, steps: 1, output: '' });
  const { configJson } = modelFromSettings(config.model);
  return recipe.kind === 'dpar'
    ? dparMatmulMacs(readDparConfig(configJson), patches)
    : llamaGenMatmulMacs(readLlamaGenConfig(configJson));
}
