import { type Correlation, correlateGroups } from '@dpar/entropy';
import { countParameters } from '@dpar/nn';
import { trainableEntropyModel } from '@dpar/train';
import type { Lab } from '../lab/lab.js';
import { type EntropyRecipe, ownEntropy, type PatchedData, patchedData } from '../lab/models.js';
import type { Finding, Grid } from '../report/result.js';
import { differenceOf, formatSpread } from '../report/spread.js';
import { baseVariant } from '../settings.js';
import { type Trained, trainVariant } from './trained.js';

/** DPAR with patches of one entropy model. */
export interface WithEntropyModel extends Trained {
  readonly name: string;
  readonly data: PatchedData;
  readonly parameters: number;
  /** Of its entropies of the validation images with those of the usual entropy model. */
  readonly correlation: Correlation;
}

/** Trains DPAR from all seeds with patches of the usual entropy model and with those of another one. */
export async function compareEntropyModels(
  lab: Lab,
  names: readonly [string, string],
  other: EntropyRecipe,
  what: string,
): Promise<readonly [WithEntropyModel, WithEntropyModel]> {
  const usual = await patchedData(lab, ownEntropy);
  const trainWith = async (name: string, data: PatchedData, label: string): Promise<WithEntropyModel> => ({
    name,
    data,
    parameters: countParameters(trainableEntropyModel(data.model.config).specs),
    correlation: correlateGroups(
      usual.entropies.validation.data,
      data.entropies.validation.data,
      usual.entropies.validation.shape[1] ?? 1,
    ),
    ...(await trainVariant(lab, baseVariant, data, label)),
  });
  return [await trainWith(names[0], usual, 'E1D4'), await trainWith(names[1], await patchedData(lab, other), what)];
}

/** The paper's figures beside ours, for both entropy models. */
export function entropyModelTable(
  head: string,
  rows: readonly WithEntropyModel[],
  paper: readonly { readonly name: string; readonly fid: number; readonly correlation: number }[],
): Grid {
  return {
    head: [
      ...[
        `Paper: ${head}`,
        'DPAR-B FID',
        'p-corr',
        `Here: ${head}`,
        'parameters',
        "the entropy model's validation loss",
      ],
      ...['tokens per patch', 'validation loss of DPAR', 'FID', 'p-corr (interval of 95 %)'],
    ],
    rows: rows.map(({ name, data, parameters, loss, fid, correlation }, i) => [
      paper[i]?.name ?? '',
      paper[i]?.fid.toString() ?? '',
      paper[i]?.correlation.toFixed(2) ?? '',
      name,
      `${(parameters / 1e6).toFixed(3)}M`,
      data.run.validationLoss.toFixed(3),
      data.calibration.meanPatchLength.toFixed(2),
      formatSpread(loss, 3),
      formatSpread(fid, 2),
      i === 0 ? '1.00' : intervalText(correlation),
    ]),
  };
}

const intervalText = ({ correlation, low, high }: Correlation): string =>
  `${correlation.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;

/** Whether DPAR is as good with the other entropy model, and its entropies are alike, as in the paper. */
export function entropyModelFindings(
  [usual, other]: readonly [WithEntropyModel, WithEntropyModel],
  paperCorrelation: number,
): Finding[] {
  const about = (what: string, of: (row: WithEntropyModel) => Trained['fid'], digits: number): Finding => {
    const { mean, standardError, clear } = differenceOf(of(usual), of(other));
    const several = of(usual).values.length > 1;
    const error = several ? ` (two standard errors of the difference: ${(2 * standardError).toFixed(digits)})` : '';
    const verdict = several ? (clear ? 'a clear difference' : 'within the spread, as in the paper') : 'of one seed';
    return {
      agrees: several ? !clear : undefined,
      text: `${what} with the other entropy model: ${mean < 0 ? '' : '+'}${mean.toFixed(digits)}${error}, ${verdict}.`,
    };
  };
  const { correlation, low, high } = other.correlation;
  return [
    about('FID', ({ fid }) => fid, 2),
    about('Validation loss', ({ loss }) => loss, 3),
    {
      agrees: low <= paperCorrelation && paperCorrelation <= high ? true : correlation > 0.7 ? undefined : false,
      text:
        `Entropy maps of the two models correlate with ${intervalText(other.correlation)}, the paper's with ${paperCorrelation}` +
        `${low > paperCorrelation ? ': more strongly here' : high < paperCorrelation ? ': less strongly here' : ': the interval holds it'}.`,
    },
  ];
}

/** What tables of entropy models say of the correlation. */
export const correlationNote =
  "p-corr is Pearson's correlation of the entropies of all tokens of the validation images, which neither entropy model was " +
  'trained on; its interval is of a bootstrap over images. Thresholds are set to the same mean patch length on the training images. ' +
  'There is one entropy model of each kind; the seeds are those of DPAR.';
