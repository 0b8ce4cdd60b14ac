import { tableS1 } from '@dpar/model';
import { tableOf } from './table.js';

/** Table S1, which is arithmetic: multiply-accumulates of LlamaGen and DPAR for one image. */
export const s1 = tableOf(
  () => [],
  async () => {
    const rows = tableS1();
    const deviation = (ours: number, paper: number) => 100 * (ours / paper - 1);
    // Values that round to zero have no sign.
    const signed = (value: number) =>
      `${value <= -0.005 ? '-' : value < 0.005 ? '' : '+'}${Math.abs(value).toFixed(2)} %`;
    const largest = (of: (row: (typeof rows)[number]) => number) => Math.max(...rows.map((row) => Math.abs(of(row))));
    const llamaGen = largest((row) => deviation(row.llamaGenGmacs, row.paper.llamaGenGmacs));
    const dpar = largest((row) => deviation(row.dparGmacs, row.paper.dparGmacs));
    return {
      title: 'Compute of LlamaGen and DPAR',
      basis: 'exact',
      about: [
        'What the paper calls GFLOPs are 10⁹ multiply-accumulates of the linear layers for one image, and 8 per layer and ' +
          'channel for norms and the like; attention products are not counted. Mean tokens per patch: 1.81 at 256 px, 2.06 ' +
          'at 384 px, which the paper rounds to two digits. The command `dpar flops --table` counts them too.',
      ],
      tables: [
        {
          head: [
            'Variant',
            'LlamaGen, paper',
            'ours',
            'deviation',
            'DPAR, paper',
            'ours',
            'deviation',
            'Reduction (%), paper',
            'ours',
          ],
          rows: rows.map(({ model, resolution, llamaGenGmacs, dparGmacs, reductionPercent, paper }) => [
            `${model}-${resolution}`,
            paper.llamaGenGmacs.toFixed(2),
            llamaGenGmacs.toFixed(2),
            signed(deviation(llamaGenGmacs, paper.llamaGenGmacs)),
            paper.dparGmacs.toFixed(2),
            dparGmacs.toFixed(2),
            signed(deviation(dparGmacs, paper.dparGmacs)),
            paper.reductionPercent.toFixed(1),
            reductionPercent.toFixed(1),
          ]),
        },
      ],
      charts: [],
      findings: [
        { agrees: llamaGen < 0.05, text: `LlamaGen: all figures agree within ${llamaGen.toFixed(2)} %.` },
        {
          agrees: dpar < 0.5,
          text: `DPAR: all figures agree within ${dpar.toFixed(2)} %, as far as the rounded mean patch length lets them.`,
        },
      ],
    };
  },
);
