import { imageModelKinds } from '@dpar/model';
import { architectureOf, kindOfConfig } from '@dpar/nn';
import type { ModelRecipe } from '../recipes.js';
import type { Lab } from './lab.js';
import { modelKeys, type PatchedData } from './models.js';

/**
 * Multiply-accumulates of a forward pass for one image, attention included.
 * @param patches Mean number of patches of an image.
 */
export function forwardMacs(lab: Lab, recipe: ModelRecipe, data: PatchedData, patches: number): number {
  const keys = modelKeys(lab, recipe, data);
  const { kind, config } = architectureOf(kindOfConfig('forwardMacs', imageModelKinds, keys), keys);
  return kind.matmulMacs(config, patches);
}
