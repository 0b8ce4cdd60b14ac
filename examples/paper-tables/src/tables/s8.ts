import { spreadOf } from '@dpar/example-kit';
import { patchedData } from '../lab/models.js';
import { evaluateAll } from '../lab/quality.js';
import { paperS8 } from '../paper/tables.js';
import { dparOf, ownEntropy, sweepSeeds } from '../recipes.js';
import { baseVariant } from '../settings.js';
import { sweepCharts } from './charts.js';
import { paperCells, paperModelTable, qualityCells, qualityHead, qualitySpread } from './quality-cells.js';
import { trends } from './s7.js';
import { tableOf } from './table.js';
import { scaledNote } from './trained.js';

/** Epochs of the paper's training. */
const paperEpochs = 300;

/** Scale of guidance of the paper's rows by epoch. */
const guidance = 2;

/** Table S8: quality against the length of training, at checkpoints of the same runs. */
export const s8 = tableOf(
  (settings) =>
    settings.trainingShares.map((share) => {
      const step = stepAt(share, settings.training.steps);
      const models = dparOf(sweepSeeds(settings), baseVariant, ownEntropy, 'E1D4');
      return {
        share,
        step,
        entropies: [ownEntropy],
        evaluations: models.map((model) => ({ model, step, guidance, label: `step ${step}` })),
      };
    }),
  async (lab, rows) => {
    const data = await patchedData(lab, ownEntropy);
    const found = [];
    for (const { share, step, evaluations } of rows) {
      const measured = await evaluateAll(lab, evaluations, data);
      const losses = measured.map(({ run }) => run.curve.find((point) => point.step === step)?.loss ?? Number.NaN);
      found.push({ at: step, share, loss: spreadOf(losses), quality: qualitySpread(measured) });
    }
    const paper = paperS8[0]?.rows ?? [];
    const paperAt = (share: number) =>
      paper.find((row) => row.guidance === guidance && Math.abs(row.epoch - share * paperEpochs) < 1);
    const [first, last] = [found[0], found.at(-1)];
    return {
      title: 'Length of training',
      basis: 'scaled',
      about: [
        `The paper's rows are of DPAR-B at 384 px and scale ${guidance}; ours are checkpoints of the same runs after as large shares of the training, at the same scale. ` +
          'The paper trains at a constant learning rate; here it falls as half a cosine wave, so that a checkpoint before the end is worse than the end of a run of that length.',
        await scaledNote(lab),
      ],
      tables: [
        {
          head: [
            'Epoch, paper',
            ...qualityHead.map((name) => `${name}, paper (B-384)`),
            'Step, ours',
            'validation loss',
            ...qualityHead.map((name) => `${name}, ours`),
          ],
          rows: found.map(({ at, share, loss, quality }) => {
            const row = paperAt(share);
            const lossText = Number.isNaN(loss.mean) ? '' : loss.mean.toFixed(3);
            return [row?.epoch.toString() ?? '', ...paperCells(row), at.toString(), lossText, ...qualityCells(quality)];
          }),
        },
        paperModelTable(paperS8, 384),
      ],
      charts: sweepCharts('steps', 0, found),
      findings:
        first && last && first !== last
          ? trends('With longer training', [paperAt(first.share) ?? paper[0], paperAt(last.share)], [first, last])
          : [],
    };
  },
);

/** Step of the checkpoint after a share of the steps. A run writes six checkpoints. */
function stepAt(share: number, steps: number): number {
  return share === 1 ? steps : Math.round(6 * share) * Math.max(1, Math.floor(steps / 6));
}
