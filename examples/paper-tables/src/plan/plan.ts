import { paperS2, paperS3 } from '../paper/tables.js';
import type { TableName } from '../report/result.js';
import { baseVariant, mainGrid, type Settings, type Variant } from '../settings.js';
import {
  entropiesCost,
  featuresCost,
  generationTimesCost,
  measuringCost,
  samplingCost,
  stepTimesCost,
  trainingCost,
} from './costs.js';
import { dparSize, emojiCount, entropySize, llamaGenSize } from './sizes.js';

/** What a run computes, by name: processor seconds that it should take. What several tables share is there once. */
export type Plan = Map<string, number>;

/** What tables need that is not arithmetic. */
export function planOf(settings: Settings, tables: readonly TableName[]): Plan {
  const plan: Plan = new Map();
  for (const table of tables) planTable(plan, settings, table);
  return plan;
}

export const totalOf = (plan: Plan): number => [...plan.values()].reduce((sum, cost) => sum + cost, 0);

function planTable(plan: Plan, settings: Settings, table: TableName): void {
  const { seeds, sweepSeeds, guidanceScales, trainingShares, largerPatches, sampling } = settings;
  const T = mainGrid ** 2;
  if (table === 's1' || table === 's6') return;
  addEntropies(plan, settings, 'own', mainGrid, 'whole');
  if (table === '1.8') return;
  plan.set('features', featuresCost(settings.features) + measuringCost(2 * emojiCount(settings)));
  const evaluated = (name: string, tokens: number) => {
    plan.set(`images of ${name}`, samplingCost(sampling.images, tokens) + measuringCost(sampling.images));
  };
  const trained = (name: string, variant: Variant, chosen: readonly number[]) => {
    for (const seed of chosen) plan.set(`train ${name} ${seed}`, trainingCost(dparSize(settings, variant, mainGrid)));
  };
  const variants = (name: string, variant: Variant) => {
    trained(name, variant, seeds);
    for (const seed of seeds) evaluated(`${name} ${seed}`, T);
  };
  const few = seeds.slice(0, sweepSeeds);
  switch (table) {
    case 's2':
      for (const { name, ...layers } of paperS2) {
        variants(layers.encoderLayers === 1 ? 'base' : name, { ...baseVariant, ...layers });
      }
      break;
    case 's3':
      for (const { name, embedding } of paperS3) {
        variants(embedding === baseVariant.embedding ? 'base' : name, { ...baseVariant, embedding });
      }
      break;
    case 's4':
    case 's5':
      addEntropies(plan, settings, table, mainGrid, table === 's5' ? 'half' : 'whole');
      variants('base', baseVariant);
      variants(table, baseVariant);
      break;
    case 's7':
      trained('base', baseVariant, few);
      for (const scale of guidanceScales) for (const seed of few) evaluated(guided(settings, scale, seed), T);
      break;
    case 's8':
      trained('base', baseVariant, few);
      for (const share of trainingShares) {
        for (const seed of few) evaluated(share === 1 ? guided(settings, 2, seed) : `share ${share} ${seed}`, T);
      }
      break;
    case 's9':
      for (const grid of settings.grids) addGrid(plan, settings, grid, evaluated);
      break;
    case 'larger-patches': {
      trained('base', baseVariant, few);
      const { targetMeanPatchLength, maxPatchLength } = settings.patching;
      for (const { mean, longest } of largerPatches) {
        const asTrained = mean === targetMeanPatchLength && longest === maxPatchLength;
        for (const seed of few) evaluated(asTrained ? `base ${seed}` : `patches ${mean} ${longest} ${seed}`, T);
      }
      plan.set('times of patches', generationTimesCost(settings.timedImages, T, largerPatches.length));
    }
  }
}

const guided = ({ sampling }: Settings, scale: number, seed: number): string =>
  scale === sampling.guidance ? `base ${seed}` : `scale ${scale} ${seed}`;

function addEntropies(plan: Plan, settings: Settings, name: string, grid: number, size: 'whole' | 'half'): void {
  const training = entropySize(settings, grid, size);
  plan.set(`train entropy ${name}`, trainingCost(training));
  plan.set(`entropies ${name}`, entropiesCost(training, emojiCount(settings)));
}

function addGrid(
  plan: Plan,
  settings: Settings,
  { size, batchSize, quality }: Settings['grids'][number],
  evaluated: (name: string, tokens: number) => void,
): void {
  const isMain = size === mainGrid;
  if (!isMain) addEntropies(plan, settings, `${size}`, size, 'whole');
  const name = isMain ? 'base' : `${size}`;
  for (const seed of quality ? settings.seeds : settings.seeds.slice(0, 1)) {
    plan.set(`train ${name} ${seed}`, trainingCost(dparSize(settings, baseVariant, size)));
    plan.set(`train LlamaGen ${size} ${seed}`, trainingCost(llamaGenSize(settings, baseVariant, size)));
    if (!quality) continue;
    evaluated(`${name} ${seed}`, size ** 2);
    evaluated(`LlamaGen ${size} ${seed}`, size ** 2);
  }
  plan.set(`times of steps ${size}`, stepTimesCost(settings, baseVariant, size, batchSize));
  plan.set(`times of generation ${size}`, generationTimesCost(settings.timedImages, size ** 2, 2));
}
