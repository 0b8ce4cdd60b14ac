import { featureStatistics, frechetDistance, inceptionScore, type Matrix } from '@dpar/eval';
import { createMetricThreads } from '@dpar/eval/node';
import { createRandom, float32 } from '@dpar/tensor';
import { PythonPeer } from '../python-peer.js';
import { compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import type { PeerSettings, Row, Topic, TopicResult } from '../topic.js';
import { timed } from '../turns.js';
import { numbersOf, relativeDifference } from '../values.js';

const sizes = {
  full: { rows: 4096, columns: 2048, classes: 1008 },
  small: { rows: 96, columns: 16, classes: 10 },
};

const within = 1e-6;

/** Random features of full rank, shifted, whose scale differs from column to column. */
function features(seed: number, shift: number, rows: number, columns: number): Matrix & { data: Float32Array } {
  const data = createRandom(seed).fillNormal(new Float32Array(rows * columns), { mean: shift });
  for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) * (0.5 + (i % columns) / columns);
  return { data, rows, columns };
}

/** FID, KID and Inception Score of features. */
export const metrics: Topic = {
  name: 'metrics',
  title: 'Metrics of the same features',
  about:
    'Time from features and logits to the score, in float64. torchmetrics computes FID by the eigenvalues of the product of both ' +
    'covariances, SciPy by sqrtm of it. KID is the unbiased squared MMD of all images, computed twice: torchmetrics draws subsets at ' +
    'random, but those of all images hold the same images. The Inception Score has one split, because torchmetrics shuffles the images.',
  async measure(settings: PeerSettings): Promise<TopicResult> {
    const { threads, small } = settings;
    const { rows, columns, classes } = small ? sizes.small : sizes.full;
    const [reference, samples] = [features(1, 0, rows, columns), features(2, 0.1, rows, columns)];
    const logits = {
      data: createRandom(3).fillNormal(new Float32Array(rows * classes), { std: 3 }),
      rows,
      columns: classes,
    };
    const pool = createMetricThreads(threads);
    const tensor = ({ data, rows, columns }: typeof reference) => float32([rows, columns], data);
    const inputs = { reference: tensor(reference), samples: tensor(samples), logits: tensor(logits) };
    const scores: Readonly<Record<string, { compute: () => number | Promise<number>; ifSlower: string }>> = {
      FID: {
        compute: () => frechetDistance(featureStatistics(reference), featureStatistics(samples)).distance,
        ifSlower:
          'Covariances and eigenvalues run in WebAssembly on one core, while the peer calls a BLAS on all cores.',
      },
      KID: {
        compute: async () => (await pool.kernelDistance(reference, samples, { subsets: 2, subsetSize: rows })).mean,
        ifSlower: 'Products run in WebAssembly, whose vectors are 128 bits wide, while the peer calls a BLAS.',
      },
      'Inception Score': {
        compute: () => inceptionScore(logits, { splitSize: rows }).mean,
        ifSlower: 'Exponentials run one by one in JavaScript, on one core.',
      },
    };
    try {
      return await withPython(PythonPeer.start('metrics.py', { threads, inputs }), async (python) => {
        const found: Row[] = [];
        for (const [score, { compute, ifSlower }] of Object.entries(scores)) {
          const contenders = ['torchmetrics', 'SciPy'].map((peer) => {
            const name = `${score} ${peer}`;
            const agree = async () => {
              const values = numbersOf(await (python as PythonPeer).result(name), 'value');
              return { of: 'relative', difference: relativeDifference([await compute()], values), within };
            };
            return pythonContender(python, { peer, name, needs: [peer], ifSlower, agree });
          });
          const what = `${score} of ${rows} and ${rows} images, ${score === 'Inception Score' ? classes : columns} numbers each`;
          found.push(...(await compareWith({ what, ours: timed(compute) }, contenders, settings)));
        }
        return { rows: found, versions: versionsOf(python) };
      });
    } finally {
      await pool.close();
    }
  },
};
