import type { Matrix } from '@dpar/eval';
import { type EvaluationSet, openEvaluationSet, readNpyMatrix } from '@dpar/eval/node';
import { defineCommand } from '../command.js';
import type { Context } from '../context.js';
import { CommandError } from '../errors.js';
import { computeFigures } from '../evaluation/figures.js';
import { reportEvaluation, warningsOf } from '../evaluation/report.js';
import { checkSides, completeSide, type EvaluationSide, needsNetwork } from '../evaluation/side.js';
import { loadFeatureNetwork, networkOptions, networkRemedy } from '../feature-network.js';
import { skipDamagedOption } from '../image-options.js';
import { file, flag, optional, outputFolder, path, required, wholeNumber } from '../options.js';
import { countOf, namesOf } from '../table.js';

const kinds = 'folder or .npz of images, features .npy or .npz, or statistics .npz';

export const evaluate = defineCommand({
  name: 'eval',
  summary: 'FID, sFID, Inception Score, precision and recall, and KID of images or of their features',
  details:
    'Sets are folders of images, ADM .npz files (images arr_0, statistics mu and sigma, or both), and features: .npy ' +
    '[N, D], or what dpar features wrote. Images need --features. Statistics alone give FID; features also precision, ' +
    'recall and KID. Features of images are kept beside the set as <set>.features-<network>.npz, and computed again when ' +
    'the images, the network or the resize change; interrupted work goes on.\n' +
    'FID falls as N grows: compare only values of one N, one resize and one feature network.',
  options: {
    reference: required(path, kinds),
    samples: required(path, kinds),
    ...networkOptions,
    logits: optional(file, "class logits of the samples .npy, for the Inception Score (default: the network's)"),
    splitSize: optional(wholeNumber(1), 'images in a split of the Inception Score', 5000),
    k: optional(wholeNumber(1), 'neighbours of precision and recall', 3),
    bootstrap: optional(wholeNumber(2), 'resamples for an interval of FID, such as 200 (default: no interval)'),
    batchSize: optional(wholeNumber(1, 4096), 'images at a time', 32),
    cacheFolder: optional(outputFolder, 'where to keep features of images (default: beside the set)'),
    noCache: flag('keeps no features'),
    skipDamaged: skipDamagedOption,
  },
  run: async (values, context) => {
    const { reference, samples, features, splitSize, k, bootstrap } = values;
    const [expected, found] = [await openEvaluationSet(reference), await openEvaluationSet(samples)];
    noteIgnored(expected, context);
    noteIgnored(found, context);
    const withImages = [expected, found].filter(({ images, pool }) => images !== undefined && pool === undefined);
    if (features === undefined) {
      const lacking = needsNetwork(expected) ? reference : needsNetwork(found) ? samples : undefined;
      if (lacking !== undefined) {
        throw new CommandError(`expected --features FILE for the images in '${lacking}', got none. ${networkRemedy}`);
      }
    } else if (withImages.length === 0) {
      context.note('--features is not needed: both sets are features already.');
    }
    if (bootstrap !== undefined && found.pool === undefined && (found.images === undefined || features === undefined)) {
      throw new CommandError(
        `--bootstrap: expected features or images of the samples, got statistics in '${samples}'.`,
      );
    }
    const given = values.logits === undefined ? undefined : await readLogits(values.logits, found, samples);
    const network =
      features === undefined || withImages.length === 0
        ? undefined
        : await loadFeatureNetwork(features, values, context);
    try {
      checkNetworks([
        [reference, expected.origin?.networkIdentity ?? (expected.images && network?.identity)],
        [samples, found.origin?.networkIdentity ?? (found.images && network?.identity)],
      ]);
      const [checkedReference, checkedSamples] = await checkSides([expected, found] as const, network, values, context);
      const sides: [EvaluationSide, EvaluationSide] = [
        await completeSide('reference', reference, checkedReference, network, values, context),
        await completeSide('samples', samples, checkedSamples, network, values, context),
      ];
      const logits = given ?? sides[1].logits;
      const figures = await computeFigures(...sides, { logits, splitSize, k, bootstrap, threads: context.threads });
      for (const warning of warningsOf(figures)) context.note(warning);
      return reportEvaluation({ reference: sides[0], samples: sides[1], figures, splitSize, k });
    } finally {
      await network?.dispose();
    }
  },
});

/** @throws CommandError if there are not as many logits as samples. */
async function readLogits(path: string, { pool, images, statistics }: EvaluationSet, samples: string): Promise<Matrix> {
  const logits = await readNpyMatrix(path);
  const count = pool?.rows ?? images?.count ?? statistics?.count;
  if (count === undefined || logits.rows === count) return logits;
  throw new CommandError(
    `--logits: expected a row for each of ${countOf(count, 'sample')} in '${samples}', got ${logits.rows} in '${path}'. ` +
      'Pass the logits of these samples.',
  );
}

/** Names the files of a folder that are no images. */
function noteIgnored({ images }: EvaluationSet, context: Context): void {
  if (images === undefined || images.ignored.length === 0) return;
  context.note(`${images.path}: no images, and left out: ${namesOf(images.ignored)}`);
}

/** @throws CommandError if both sides say which network their features are of, and it is not one. */
function checkNetworks([a, b]: readonly [SideNetwork, SideNetwork]): void {
  if (a[1] === undefined || b[1] === undefined || a[1] === b[1]) return;
  throw new CommandError(
    `expected features of one network and resize, got ${a[1]} in '${a[0]}' and ${b[1]} in '${b[0]}'. ` +
      'Compute both with the same --features, --resize, --orientation and --background.',
  );
}

type SideNetwork = readonly [path: string, identity: string | undefined];
