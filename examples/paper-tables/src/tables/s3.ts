import type { Lab } from '../lab/lab.js';
import { ownEntropy, patchedData } from '../lab/models.js';
import { paperS3 } from '../paper/tables.js';
import type { TableContent } from '../report/result.js';
import { baseVariant } from '../settings.js';
import { lossChart } from './charts.js';
import { orderFindings, scaledNote, trainVariant, variantTable } from './trained.js';

/** Table S3: how the global transformer sees the places of patches. */
export async function makeS3(lab: Lab): Promise<TableContent> {
  const data = await patchedData(lab, ownEntropy);
  const trained = [];
  for (const { name, embedding, fid: paper } of paperS3) {
    const variant = { ...baseVariant, embedding };
    trained.push({ name, paper, ...(await trainVariant(lab, variant, data, name)) });
  }
  return {
    title: 'Positions of patches',
    basis: 'scaled',
    about: [
      '2D RoPE is that of the first token of each patch. Dynamic RoPE encodes the row, the first and the last column of a patch (equation S2).',
      await scaledNote(lab),
    ],
    tables: [variantTable(['Positions', 'FID-50K, paper'], trained)],
    charts: [lossChart('Validation loss by positions', trained)],
    findings: orderFindings(trained),
  };
}
