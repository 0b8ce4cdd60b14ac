import type { Vendor } from '@dpar/example-kit/emoji';
import { mainGrid, type Settings, type Variant } from './settings.js';

/** An entropy model. */
export interface EntropyRecipe {
  /** Vendor of the emoji that it is trained on. */
  readonly vendor: Vendor;
  /** Tokens in a row, and rows. */
  readonly grid: number;
  readonly size: 'whole' | 'half';
  readonly seed: number;
}

/** Entropy model of all tables that do not vary it. */
export const ownEntropy: EntropyRecipe = { vendor: 'google', grid: mainGrid, size: 'whole', seed: 0 };

/** A generative model. A LlamaGen has as many layers as the variant of DPAR has in all. */
export interface ModelRecipe {
  readonly kind: 'dpar' | 'llamagen';
  readonly variant: Variant;
  /** Entropy model of DPAR's patches; its grid is the grid of the model. */
  readonly entropy: EntropyRecipe;
  readonly seed: number;
  /** Label in reports. */
  readonly label: string;
}

/** Mean and longest patch length in tokens. */
export interface PatchLengths {
  readonly mean: number;
  readonly longest: number;
}

/** Images that a model generates and whose quality is measured. */
export interface EvaluationRecipe {
  readonly model: ModelRecipe;
  /** Step of the checkpoint (default: the last). */
  readonly step?: number;
  /** Scale of guidance (default: that of the settings). */
  readonly guidance?: number;
  /** Patches other than in training. */
  readonly patching?: PatchLengths;
  /** Added to the name of the model in reports. */
  readonly label?: string;
}

/** Everything that is computed for a row of a table. */
export interface Row {
  /** Entropy models whose patches are needed. */
  readonly entropies: readonly EntropyRecipe[];
  /** Models that are trained, besides those of the evaluations. */
  readonly models?: readonly ModelRecipe[];
  readonly evaluations?: readonly EvaluationRecipe[];
  /** Estimated processor seconds of all other work. */
  readonly otherCost?: number;
}

/** DPAR from each of some seeds. */
export function dparOf(
  seeds: readonly number[],
  variant: Variant,
  entropy: EntropyRecipe,
  label: string,
): ModelRecipe[] {
  return seeds.map((seed) => ({ kind: 'dpar', variant, entropy, seed, label }));
}

/** Seeds of tables that vary one model in many ways. */
export function sweepSeeds({ seeds, sweepSeeds }: Settings): readonly number[] {
  return seeds.slice(0, sweepSeeds);
}
