import type { Lab } from '../lab/lab.js';
import { dparRun, type PatchedData } from '../lab/models.js';
import { type Evaluation, evaluate, tokenizerFid } from '../lab/quality.js';
import type { Run } from '../lab/runs.js';
import { compareOrder } from '../report/order.js';
import type { Finding, Grid } from '../report/result.js';
import { formatSpread, type Spread, spreadOf } from '../report/spread.js';
import type { Variant } from '../settings.js';

/** A variant of DPAR, trained from all seeds and measured. */
export interface Trained {
  readonly runs: readonly Run[];
  readonly evaluations: readonly Evaluation[];
  readonly loss: Spread;
  readonly fid: Spread;
}

/** Trains a variant from all seeds and measures each. */
export async function trainVariant(lab: Lab, variant: Variant, data: PatchedData, what: string): Promise<Trained> {
  const runs: Run[] = [];
  const evaluations: Evaluation[] = [];
  for (const seed of lab.settings.seeds) {
    const run = await dparRun(lab, variant, data, seed, what);
    runs.push(run);
    evaluations.push(await evaluate(lab, { name: run.name, run, patches: data }));
  }
  return summarize(runs, evaluations);
}

/** Loss and FID over seeds. */
export function summarize(runs: readonly Run[], evaluations: readonly Evaluation[]): Trained {
  return {
    runs,
    evaluations,
    loss: spreadOf(runs.map(({ validationLoss }) => validationLoss)),
    fid: spreadOf(evaluations.map(({ fid }) => fid)),
  };
}

/** A variant beside its figure in the paper. */
export interface ComparedVariant extends Trained {
  readonly name: string;
  /** FID. */
  readonly paper: number;
}

/** A row for each variant: the paper's FID, our validation loss and FID, and the FID of each seed. @param head Of the first two columns. */
export function variantTable(head: readonly [string, string], variants: readonly ComparedVariant[]): Grid {
  return {
    head: [...head, 'Validation loss (nats per token)', 'FID, ours', 'FID of each seed'],
    rows: variants.map(({ name, paper, loss, fid }) => [
      name,
      paper.toFixed(2),
      formatSpread(loss, 3),
      formatSpread(fid, 2),
      fid.values.map((value) => value.toFixed(2)).join(', '),
    ]),
  };
}

/** Whether the paper's order shows in FID, and in the validation loss. */
export function orderFindings(variants: readonly ComparedVariant[]): Finding[] {
  return [
    compareOrder(
      'FID',
      variants.map(({ name, paper, fid }) => ({ name, paper, ours: fid })),
    ),
    compareOrder(
      'Validation loss',
      variants.map(({ name, paper, loss }) => ({ name, paper, ours: loss })),
    ),
  ];
}

/** Seeds of tables that vary one model in many ways: maybe fewer, since each way takes many images. */
export function sweepSeeds({ settings }: Lab): readonly number[] {
  return settings.seeds.slice(0, settings.sweepSeeds);
}

/** What every scaled-down table says of its models and features. */
export async function scaledNote(lab: Lab): Promise<string> {
  const { settings, engine } = lab;
  const { model, training, sampling, seeds } = settings;
  const network = await lab.features();
  const floor = await tokenizerFid(lab);
  return (
    `Scaled down: emoji of 64 px as 16 x 16 tokens of 1024 codes (the tokenizer of @dpar/emoji); DPAR of width ${model.dim}, ` +
    `${model.nLayer} global layers, 1 + 4 local ones unless said otherwise; ${training.steps} steps of ${training.batchSize} images, ` +
    `${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} (mean ± standard deviation). ` +
    `FID and the like are of ${sampling.images} generated images, guidance ${sampling.guidance} unless said otherwise, against all real ones, ` +
    `by the features of ${network.name}, so that they cannot be compared with the paper's figures. ` +
    `The tokenizer's reconstructions of the real images have an FID of ${floor.toFixed(2)}. ${engine.name}.`
  );
}
