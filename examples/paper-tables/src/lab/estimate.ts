import type { EntropyRecipe, EvaluationRecipe, ModelRecipe, Row } from '../recipes.js';
import type { Settings } from '../settings.js';
import { digestOf } from './cache.js';
import { entropiesCost, featuresCost, measuringCost, samplingCost, trainingCost } from './costs.js';
import { emojiCount, entropySize, modelSize } from './sizes.js';

/** Estimated processor seconds of everything that rows need, by name. Work that rows share occurs once. */
export function estimateOf(settings: Settings, rows: readonly Row[]): Map<string, number> {
  const costs = new Map<string, number>();
  const { images, guidance } = settings.sampling;
  const addEntropies = (recipe: EntropyRecipe) => {
    const size = entropySize(settings, recipe);
    const name = digestOf(recipe);
    costs.set(`train entropy model ${name}`, trainingCost(size));
    costs.set(`entropies ${name}`, entropiesCost(size, emojiCount(settings)));
  };
  const addModel = ({ label: _, ...recipe }: ModelRecipe): string => {
    const name = `model ${digestOf(recipe)}`;
    costs.set(`train ${name}`, trainingCost(modelSize(settings, recipe)));
    return name;
  };
  const addEvaluation = ({ model, patching, ...recipe }: EvaluationRecipe) => {
    const { steps, tokens } = modelSize(settings, model);
    const key = digestOf([addModel(model), recipe.step ?? steps, recipe.guidance ?? guidance, patching]);
    costs.set(`images ${key}`, samplingCost(images, tokens) + measuringCost(images));
    costs.set('features', featuresCost(settings.features) + measuringCost(2 * emojiCount(settings)));
  };
  for (const { entropies, models = [], evaluations = [], otherCost } of rows) {
    entropies.forEach(addEntropies);
    models.forEach(addModel);
    evaluations.forEach(addEvaluation);
    if (otherCost !== undefined) costs.set(`other work ${costs.size}`, otherCost);
  }
  return costs;
}

/** Sum of an estimate in processor seconds. */
export function totalOf(costs: ReadonlyMap<string, number>): number {
  return [...costs.values()].reduce((sum, cost) => sum + cost, 0);
}
