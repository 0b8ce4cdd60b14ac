import { tableS1 } from '@dpar/model';
import { paperS6 } from '../paper/tables.js';
import { tableOf } from './table.js';

/** Table S6: XXL at 384 px. Compute and parameters are arithmetic; FID needs ImageNet. */
export const s6 = tableOf(
  () => [],
  async () => {
    const row = tableS1().find(({ model, resolution }) => model === 'XXL' && resolution === 384);
    if (row === undefined) throw new Error('s6: expected XXL-384 in Table S1, got a table without it.');
    const { llamaGenGmacs, dparGmacs, reductionPercent, parameters, paper } = row;
    return {
      title: 'Scaling to 1.4 billion parameters',
      basis: 'exact',
      about: [
        "Compute as in Table S1, parameters counted from the shapes of DPAR-XXL's weights. FID is the paper's: it takes training on ImageNet.",
      ],
      tables: [
        {
          head: ['Model', 'FID, paper', 'Compute (GMACs), paper', 'ours', 'Parameters, paper', 'ours'],
          rows: [
            [
              'LlamaGen-384-XXL',
              paperS6.llamaGenFid.toFixed(2),
              paper.llamaGenGmacs.toFixed(2),
              llamaGenGmacs.toFixed(2),
              '1.4B',
              '',
            ],
            [
              'DPAR-384-XXL',
              paperS6.dparFid.toFixed(2),
              `${paper.dparGmacs.toFixed(2)} (-${paperS6.reductionPercent} %)`,
              `${dparGmacs.toFixed(2)} (-${reductionPercent.toFixed(1)} %)`,
              '1.4B',
              `${(parameters / 1e9).toFixed(3)}B`,
            ],
          ],
        },
      ],
      charts: [],
      findings: [
        {
          agrees: Math.abs(reductionPercent - paperS6.reductionPercent) < 0.3,
          text: `Reduction of compute: ${paperS6.reductionPercent} % in the paper, ${reductionPercent.toFixed(1)} % here.`,
        },
      ],
    };
  },
);
