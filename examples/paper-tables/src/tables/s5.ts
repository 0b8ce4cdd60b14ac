import { entropyModelPresets, entropyModelSpecs } from '@dpar/entropy';
import { llamaGenPreset, presets } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import type { Lab } from '../lab/lab.js';
import { ownEntropy } from '../lab/models.js';
import { paperS5 } from '../paper/tables.js';
import type { TableContent } from '../report/result.js';
import { lossChart } from './charts.js';
import { compareEntropyModels, correlationNote, entropyModelFindings, entropyModelTable } from './entropy-models.js';
import { scaledNote } from './trained.js';

/** Table S5: an entropy model of about half the parameters. */
export async function makeS5(lab: Lab): Promise<TableContent> {
  const other = { ...ownEntropy, size: 'half' } as const;
  const rows = await compareEntropyModels(lab, ['whole', 'half'], other, 'patches by the half entropy model');
  const counts = (['B', 'S'] as const).map((name, i) => {
    const config = { ...llamaGenPreset(presets.B), ...entropyModelPresets[name], clsTokenNum: 0 } as const;
    const ours = countParameters(entropyModelSpecs(config));
    return [paperS5[i]?.name ?? '', `entropy model ${name}`, `${(ours / 1e6).toFixed(1)}M`];
  });
  return {
    title: 'Size of the entropy model',
    basis: 'both',
    about: [correlationNote, await scaledNote(lab)],
    tables: [
      entropyModelTable('size of the entropy model', rows, paperS5),
      {
        caption: "Exact: parameters of the paper's entropy models, counted from the shapes of their weights",
        head: ['Paper', 'preset', 'parameters'],
        rows: counts,
      },
    ],
    charts: [lossChart('Validation loss of DPAR by the size of the entropy model', rows)],
    findings: entropyModelFindings(rows, paperS5[1].correlation),
  };
}
