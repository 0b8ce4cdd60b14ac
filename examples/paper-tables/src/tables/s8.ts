import type { Lab } from '../lab/lab.js';
import { dparRun, ownEntropy, patchedData } from '../lab/models.js';
import { type Evaluation, evaluate } from '../lab/quality.js';
import { paperS8 } from '../paper/tables.js';
import type { TableContent } from '../report/result.js';
import { spreadOf } from '../report/spread.js';
import { baseVariant } from '../settings.js';
import { sweepCharts } from './charts.js';
import { paperCells, paperModelTable, qualityCells, qualityHead, qualitySpread } from './quality-cells.js';
import { trends } from './s7.js';
import { scaledNote, sweepSeeds } from './trained.js';

/** The paper's epochs of a share of its training. */
const paperEpochs = 300;

/** The scale that the paper's rows by epoch have. */
const guidance = 2;

/** Table S8: quality against the length of training, at checkpoints of the same runs. */
export async function makeS8(lab: Lab): Promise<TableContent> {
  const { trainingShares, training } = lab.settings;
  const data = await patchedData(lab, ownEntropy);
  const found = [];
  for (const share of trainingShares) {
    const step = stepAt(share, training.steps);
    const evaluations: Evaluation[] = [];
    const losses: number[] = [];
    for (const seed of sweepSeeds(lab)) {
      const run = await dparRun(lab, baseVariant, data, seed, 'E1D4');
      const name = `${run.name}, step ${step}`;
      evaluations.push(await evaluate(lab, { name, run, patches: data, step, guidance }));
      losses.push(run.curve.find((point) => point.step === step)?.loss ?? Number.NaN);
    }
    found.push({ at: step, share, loss: spreadOf(losses), quality: qualitySpread(evaluations) });
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
          ...['Epoch, paper', ...qualityHead.map((name) => `${name}, paper (B-384)`)],
          ...['Step, ours', 'validation loss', ...qualityHead.map((name) => `${name}, ours`)],
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
}

/** The checkpoint after a share of the steps: checkpoints are written six times in a run. */
function stepAt(share: number, steps: number): number {
  return share === 1 ? steps : Math.round(6 * share) * Math.max(1, Math.floor(steps / 6));
}
