import type { Lab } from '../lab/lab.js';
import { ownEntropy } from '../lab/models.js';
import { paperS4 } from '../paper/tables.js';
import type { TableContent } from '../report/result.js';
import { lossChart } from './charts.js';
import { compareEntropyModels, correlationNote, entropyModelFindings, entropyModelTable } from './entropy-models.js';
import { scaledNote } from './trained.js';

/** Table S4: an entropy model of other data. */
export async function makeS4(lab: Lab): Promise<TableContent> {
  const names = ["Google's emoji", "Twitter's emoji"] as const;
  const other = { ...ownEntropy, vendor: 'twitter' } as const;
  const rows = await compareEntropyModels(lab, names, other, "patches by Twitter's entropy model");
  return {
    title: 'Entropy model of another data set',
    basis: 'scaled',
    about: [
      "DPAR is trained on Google's emoji; patches are by an entropy model of Google's emoji, or by one that was trained on " +
        "Twitter's drawings (npm emoji-datasource-twitter) of the emoji that are in the training set.",
      correlationNote,
      await scaledNote(lab),
    ],
    tables: [entropyModelTable('data of the entropy model', rows, paperS4)],
    charts: [lossChart('Validation loss of DPAR by the data of the entropy model', rows)],
    findings: entropyModelFindings(rows, paperS4[1].correlation),
  };
}
