import type { Lab } from '../lab/lab.js';
import { ownEntropy, patchedData } from '../lab/models.js';
import { paperS2 } from '../paper/tables.js';
import type { TableContent } from '../report/result.js';
import { baseVariant } from '../settings.js';
import { lossChart } from './charts.js';
import { orderFindings, scaledNote, trainVariant, variantTable } from './trained.js';

/** Table S2: layers of the local encoder and decoder, of which there are five in all. */
export async function makeS2(lab: Lab): Promise<TableContent> {
  const data = await patchedData(lab, ownEntropy);
  const trained = [];
  for (const { name, encoderLayers, decoderLayers, fid: paper } of paperS2) {
    const variant = { ...baseVariant, encoderLayers, decoderLayers };
    trained.push({ name, paper, ...(await trainVariant(lab, variant, data, name)) });
  }
  return {
    title: 'Depth of encoder and decoder',
    basis: 'scaled',
    about: [await scaledNote(lab)],
    tables: [variantTable(['Layers', 'FID-50K, paper (DPAR-L)'], trained)],
    charts: [lossChart('Validation loss by depth', trained)],
    findings: orderFindings(trained),
  };
}
