import { type Correlation, correlateGroups, entropyKind, entropyModelPresets } from '@dpar/entropy';
import { differenceOf, formatSpread } from '@dpar/example-kit';
import { llamaGenPreset, presets } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import { type PatchedData, patchedData } from '../lab/models.js';
import { evaluateAll } from '../lab/quality.js';
import { paperS4, paperS5 } from '../paper/tables.js';
import { dparOf, type EntropyRecipe, ownEntropy } from '../recipes.js';
import type { Finding, Grid } from '../report/result.js';
import { baseVariant } from '../settings.js';
import { lossChart } from './charts.js';
import { type Table, tableOf } from './table.js';
import { scaledNote, summarize, type Trained } from './trained.js';

/** DPAR with patches of one entropy model. */
interface WithEntropyModel extends Trained {
  readonly name: string;
  readonly data: PatchedData;
  readonly parameters: number;
  /** Correlation of its entropies of the validation images with those of the usual entropy model. */
  readonly correlation: Correlation;
}

/** The paper's figures of both entropy models. */
type Paper = readonly { readonly name: string; readonly fid: number; readonly correlation: number }[];

/** Texts and recipe of a table that compares the usual entropy model with another one. */
interface EntropyTable {
  readonly title: string;
  readonly basis: 'scaled' | 'both';
  readonly about: readonly string[];
  /** Names of the two entropy models. */
  readonly names: readonly [string, string];
  readonly other: EntropyRecipe;
  /** Label of DPAR with the other entropy model. */
  readonly label: string;
  /** Property of the entropy models that is compared. */
  readonly head: string;
  readonly chart: string;
  readonly paper: Paper;
  readonly exact: readonly Grid[];
}

function entropyTable(texts: EntropyTable): Table {
  const { title, basis, about, names, other, label, head, chart, paper, exact } = texts;
  return tableOf(
    ({ seeds }) => {
      const row = (name: string, entropy: EntropyRecipe, dparLabel: string) => {
        const models = dparOf(seeds, baseVariant, entropy, dparLabel);
        return { name, entropies: [entropy], evaluations: models.map((model) => ({ model })) };
      };
      return [row(names[0], ownEntropy, 'E1D4'), row(names[1], other, label)];
    },
    async (lab, rows) => {
      const compared: WithEntropyModel[] = [];
      for (const { name, entropies, evaluations } of rows) {
        const data = await patchedData(lab, entropies[0] as EntropyRecipe);
        const trained = summarize(await evaluateAll(lab, evaluations, data));
        const parameters = countParameters(entropyKind.specs(data.model.config));
        const { shape, data: values } = data.entropies.validation;
        const usual = compared[0]?.data.entropies.validation.data ?? values;
        const correlation = correlateGroups(usual, values, shape[1] ?? 1);
        compared.push({ name, data, parameters, correlation, ...trained });
      }
      return {
        title,
        basis,
        about: [...about, correlationNote, await scaledNote(lab)],
        tables: [comparisonGrid(head, compared, paper), ...exact],
        charts: [lossChart(chart, compared)],
        findings: findings(compared, paper[1]?.correlation ?? Number.NaN),
      };
    },
  );
}

/** The paper's figures beside ours, for both entropy models. */
function comparisonGrid(head: string, rows: readonly WithEntropyModel[], paper: Paper): Grid {
  return {
    head: [
      `Paper: ${head}`,
      'DPAR-B FID',
      'p-corr',
      `Here: ${head}`,
      'parameters',
      "the entropy model's validation loss",
      'tokens per patch',
      'validation loss of DPAR',
      'FID',
      'p-corr (interval of 95 %)',
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

/**
 * Findings about the quality of DPAR with the other entropy model, and about the similarity of its entropies, as in the
 * paper.
 */
function findings([usual, other]: readonly WithEntropyModel[], paperCorrelation: number): Finding[] {
  if (usual === undefined || other === undefined) return [];
  const about = (what: string, of: (row: WithEntropyModel) => Trained['fid'], digits: number): Finding => {
    const { mean, standardError, clear } = differenceOf(of(usual), of(other));
    const several = of(usual).values.length > 1;
    const error = several ? ` (two standard errors of the difference: ${(2 * standardError).toFixed(digits)})` : '';
    const verdict = several ? (clear ? 'a clear difference' : 'within the spread') : 'of one seed';
    return {
      agrees: several ? !clear : undefined,
      covered: several && !clear,
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

const correlationNote =
  "p-corr is Pearson's correlation of the entropies of all tokens of the validation images, which neither entropy model was " +
  'trained on; its interval is of a bootstrap over images. Thresholds are set to the same mean patch length on the training images. ' +
  'There is one entropy model of each kind; the seeds are those of DPAR.';

/** Table S4: an entropy model of other data. */
export const s4 = entropyTable({
  title: 'Entropy model of another data set',
  basis: 'scaled',
  about: [
    "DPAR is trained on Google's emoji; patches are by an entropy model of Google's emoji, or by one that was trained on " +
      "Twitter's drawings (npm emoji-datasource-twitter) of the emoji that are in the training set.",
  ],
  names: ["Google's emoji", "Twitter's emoji"],
  other: { ...ownEntropy, vendor: 'twitter' },
  label: "patches by Twitter's entropy model",
  head: 'data of the entropy model',
  chart: 'Validation loss of DPAR by the data of the entropy model',
  paper: paperS4,
  exact: [],
});

/** Table S5: an entropy model of about half the parameters. */
export const s5 = entropyTable({
  title: 'Size of the entropy model',
  basis: 'both',
  about: [],
  names: ['whole', 'half'],
  other: { ...ownEntropy, size: 'half' },
  label: 'patches by the half entropy model',
  head: 'size of the entropy model',
  chart: 'Validation loss of DPAR by the size of the entropy model',
  paper: paperS5,
  exact: [
    {
      caption: "Exact: parameters of the paper's entropy models, counted from the shapes of their weights",
      head: ['Paper', 'preset', 'parameters'],
      rows: (['B', 'S'] as const).map((name, i) => {
        const config = { ...llamaGenPreset(presets.B), ...entropyModelPresets[name], clsTokenNum: 0 } as const;
        const ours = countParameters(entropyKind.specs(config));
        return [paperS5[i]?.name ?? '', `entropy model ${name}`, `${(ours / 1e6).toFixed(1)}M`];
      }),
    },
  ],
});
