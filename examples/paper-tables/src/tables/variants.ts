import { patchedData } from '../lab/models.js';
import { evaluateAll } from '../lab/quality.js';
import { paperS2, paperS3 } from '../paper/tables.js';
import { dparOf, ownEntropy } from '../recipes.js';
import { baseVariant, type Variant } from '../settings.js';
import { lossChart } from './charts.js';
import { type Table, tableOf } from './table.js';
import { orderFindings, scaledNote, summarize, variantTable } from './trained.js';

/** Texts and variants of a table. */
interface VariantsTable {
  readonly title: string;
  readonly about: readonly string[];
  /** Heads of the first two columns. */
  readonly head: readonly [string, string];
  readonly chart: string;
  readonly variants: readonly { readonly name: string; readonly fid: number; readonly variant: Variant }[];
}

/** Table of variants of DPAR with their FID in the paper. */
function variantsTable({ title, about, head, chart, variants }: VariantsTable): Table {
  return tableOf(
    ({ seeds }) =>
      variants.map(({ name, fid, variant }) => ({
        name,
        paper: fid,
        entropies: [ownEntropy],
        evaluations: dparOf(seeds, variant, ownEntropy, name).map((model) => ({ model })),
      })),
    async (lab, rows) => {
      const data = await patchedData(lab, ownEntropy);
      const trained = [];
      for (const { name, paper, evaluations } of rows) {
        trained.push({ name, paper, ...summarize(await evaluateAll(lab, evaluations, data)) });
      }
      return {
        title,
        basis: 'scaled',
        about: [...about, await scaledNote(lab)],
        tables: [variantTable(head, trained)],
        charts: [lossChart(chart, trained)],
        findings: orderFindings(trained),
      };
    },
  );
}

/** Table S2: layers of the local encoder and decoder, five in all. */
export const s2 = variantsTable({
  title: 'Depth of encoder and decoder',
  about: [],
  head: ['Layers', 'FID-50K, paper (DPAR-L)'],
  chart: 'Validation loss by depth',
  variants: paperS2.map(({ name, fid, encoderLayers, decoderLayers }) => ({
    name,
    fid,
    variant: { ...baseVariant, encoderLayers, decoderLayers },
  })),
});

/** Table S3: positions of patches in the global transformer. */
export const s3 = variantsTable({
  title: 'Positions of patches',
  about: [
    '2D RoPE is that of the first token of each patch. Dynamic RoPE encodes the row, the first and the last column of a patch (equation S2).',
  ],
  head: ['Positions', 'FID-50K, paper'],
  chart: 'Validation loss by positions',
  variants: paperS3.map(({ name, fid, embedding }) => ({ name, fid, variant: { ...baseVariant, embedding } })),
});
