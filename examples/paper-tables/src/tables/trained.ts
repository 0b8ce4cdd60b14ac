import { formatSpread, type Spread, spreadOf } from '@dpar/example-kit';
import type { Lab } from '../lab/lab.js';
import { type Evaluation, tokenizerFid } from '../lab/quality.js';
import type { Run } from '../lab/runs.js';
import { compareOrder } from '../report/order.js';
import type { Finding, Grid } from '../report/result.js';

/** A model that was trained from all seeds and measured. */
export interface Trained {
  readonly runs: readonly Run[];
  readonly loss: Spread;
  readonly fid: Spread;
}

/** Loss and FID over seeds. */
export function summarize(evaluations: readonly Evaluation[]): Trained {
  const runs = evaluations.map(({ run }) => run);
  const loss = spreadOf(runs.map(({ validationLoss }) => validationLoss));
  return { runs, loss, fid: spreadOf(evaluations.map(({ fid }) => fid)) };
}

/** A variant with its figure in the paper. */
export interface ComparedVariant extends Trained {
  readonly name: string;
  /** FID. */
  readonly paper: number;
}

/** Grid with the paper's FID, our validation loss and FID, and the FID of each seed. @param head Of the first two columns. */
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

/** Findings whether the paper's order shows in FID, and in the validation loss. */
export function orderFindings(variants: readonly ComparedVariant[]): Finding[] {
  const ranked = (of: (variant: ComparedVariant) => Spread) =>
    variants.map((variant) => ({ name: variant.name, paper: variant.paper, ours: of(variant) }));
  return [
    compareOrder(
      'FID',
      ranked(({ fid }) => fid),
    ),
    compareOrder(
      'Validation loss',
      ranked(({ loss }) => loss),
    ),
  ];
}

/** Note of every scaled-down table on its models and features. */
export async function scaledNote(lab: Lab): Promise<string> {
  const { settings, engine } = lab;
  const { model, training, sampling, seeds } = settings;
  const network = await lab.features();
  const { train, validation } = await lab.data.images('google');
  const floor = await tokenizerFid(lab);
  return (
    `Scaled down: emoji of 64 px as 16 x 16 tokens of 1024 codes (the tokenizer of @dpar/emoji); DPAR of width ${model.dim}, ` +
    `${model.nLayer} global layers, 1 + 4 local ones unless said otherwise; ${training.steps} steps of ${training.batchSize} images, ` +
    `${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'} (mean ± standard deviation). ` +
    `FID and the like are of ${sampling.images} generated images, guidance ${sampling.guidance} unless said otherwise, against all ${train.names.length + validation.names.length} real ones, ` +
    `by the features of ${network.name} (resize: ${network.resize}), so that they cannot be compared with the paper's figures. ` +
    `The tokenizer's reconstructions of the real images have an FID of ${floor.toFixed(2)}. ${engine.name}.`
  );
}
