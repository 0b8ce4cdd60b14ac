/** A part of a model that runs during a drawing. Its name is that of the sampler's stage that runs it, except `head`. */
export interface PartCost {
  readonly name: 'encoder' | 'head' | 'entropy' | 'global' | 'decoder' | 'model';
  /** Number of runs for an image, or one for each patch. The boundary head runs as a part of the encoder. */
  readonly runs: number | 'patches';
  /** Multiply-adds of all runs for an image with one row, or of the run for one patch. */
  readonly macs: number;
  /** Number of transformer blocks; 0 for another network. */
  readonly blocks: number;
  /** True if guidance doubles the rows. */
  readonly isGuided: boolean;
}

/** Costs of drawing an image. The worker does not need them: they are counted when the page is written. */
export interface ModelCosts {
  readonly dpar: readonly PartCost[];
  readonly llamagen: readonly PartCost[];
  /** Multiply-adds of the tokenizer's decoder, which makes an image of the tokens of either model. */
  readonly tokenizerDecoder: number;
}

/** Number of patches of an image, and use of guidance: these determine DPAR's cost. */
export interface DrawnImage {
  /** NaN while it is unknown; costs that depend on it are then NaN too. */
  readonly patches: number;
  readonly isGuided: boolean;
}

/** Number of runs of a part for an image. */
export function runsOf({ runs }: PartCost, { patches }: Pick<DrawnImage, 'patches'>): number {
  return runs === 'patches' ? patches : runs;
}

/** Rows of each run of a part: guidance needs a second one without the class. */
export function rowsOf(part: PartCost, { isGuided }: Pick<DrawnImage, 'isGuided'>): number {
  return isGuided && part.isGuided ? 2 : 1;
}

/** Multiply-adds of a part for an image. */
export function partMacs(part: PartCost, image: DrawnImage): number {
  return part.macs * rowsOf(part, image) * (part.runs === 'patches' ? image.patches : 1);
}

/** Multiply-adds of an image with a model, from the class to the pixels: of its networks and of the tokenizer's decoder. */
export function wholeCost(costs: ModelCosts, model: 'dpar' | 'llamagen', image: DrawnImage): number {
  return sumOf(costs[model], (part) => partMacs(part, image)) + costs.tokenizerDecoder;
}

/** Multiply-adds of an image with LlamaGen. Guidance runs it twice for each token. */
export function llamaGenCost({ llamagen }: Pick<ModelCosts, 'llamagen'>, isGuided: boolean): number {
  return sumOf(llamagen, (part) => partMacs(part, { patches: 0, isGuided }));
}

/**
 * Multiply-adds of an image with DPAR, with its boundary head or entropy model. Guidance runs everything twice, except the
 * local encoder and the source of the entropies.
 */
export function dparCost({ dpar }: Pick<ModelCosts, 'dpar'>, image: DrawnImage): number {
  return sumOf(dpar, (part) => partMacs(part, image));
}

/** Multiply-adds of the entropies of an image, which Table S1 of the paper leaves out, with guidance as without. */
export function entropyCost({ dpar }: Pick<ModelCosts, 'dpar'>): number {
  return sumOf(dpar, ({ name, macs }) => (name === 'head' || name === 'entropy' ? macs : 0));
}

/** Share of LlamaGen's multiply-adds that DPAR saves, with the cost of its entropies; negative if it needs more. */
export function operationSaving(costs: ModelCosts, image: DrawnImage): number {
  return 1 - dparCost(costs, image) / llamaGenCost(costs, image.isGuided);
}

/** Saving as the paper counts it: one pass, without the cost of entropies. */
export function savingWithoutEntropies(costs: ModelCosts, patches: number): number {
  const image = { patches, isGuided: false };
  return 1 - (dparCost(costs, image) - entropyCost(costs)) / llamaGenCost(costs, false);
}

/** Number of network runs for an image. */
export function networkRuns(parts: readonly PartCost[], patches: number): number {
  return sumOf(parts, (part) => (part.name === 'head' ? 0 : runsOf(part, { patches })));
}

function sumOf(parts: readonly PartCost[], value: (part: PartCost) => number): number {
  return parts.reduce((sum, part) => sum + value(part), 0);
}
