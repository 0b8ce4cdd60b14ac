import type { Matrix } from '@dpar/eval';
import { type EvaluationSet, openEvaluationSet, readNpyMatrix } from '@dpar/eval/node';
import type { Context } from '../command/command.js';
import { defineCommand } from '../command/command.js';
import { CommandError } from '../command/errors.js';
import { countOf, namesOf } from '../command/format.js';
import { file, flag, optional, outputFolder, path, required, wholeNumber } from '../command/options.js';
import { computeFigures, reportEvaluation, warningsOf } from '../evaluation/figures.js';
import { checkSides, completeSide, type EvaluationSide, needsNetwork } from '../evaluation/side.js';
import { loadFeatureNetwork, networkOptions, networkRemedy } from '../images/feature-network.js';
import { skipDamagedOption } from '../images/options.js';

const kinds = 'images (folder or .npz), features (.npy or .npz) or statistics (.npz)';

export const evaluate = defineCommand({
  name: 'eval',
  summary: 'Compute FID or FD-DINOv2, sFID, Inception Score, precision, recall and KID of images or features',
  details:
    'A set is a folder of images, an ADM .npz file (images arr_0, statistics mu and sigma, or both), a features ' +
    '.npy [N, D], or the output of dpar features. Images require --features. Statistics allow only FID; features ' +
    'also allow precision, recall and KID.\n\n' +
    'Cache: features of images are stored beside the set as <set>.features-<network>.npz. They are computed again ' +
    'if the images, the network or the resize method change.\n\n' +
    'Resume: run the same command again.\n\n' +
    'Network: the Fréchet distance is FID with weights of Inception-v3 and FD-DINOv2 with those of DINOv2.\n\n' +
    'The distance falls as N grows. Compare only values with the same N, resize method and feature network.',
  options: {
    reference: required(path, kinds),
    samples: required(path, kinds),
    ...networkOptions,
    logits: optional(file, "class logits of the samples, .npy, for the Inception Score (default: the network's)"),
    splitSize: optional(wholeNumber(1), 'images per split of the Inception Score', 5000),
    k: optional(wholeNumber(1), 'number of neighbours for precision and recall', 3),
    bootstrap: optional(
      wholeNumber(2),
      'number of resamples for a confidence interval of FID, such as 200 (default: no interval)',
    ),
    batchSize: optional(wholeNumber(1, 4096), 'images per batch', 32),
    cacheFolder: optional(outputFolder, 'folder for cached features (default: beside the set)'),
    noCache: flag('do not cache features'),
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
      context.note('--features has no effect: both sets have features.');
    }
    if (bootstrap !== undefined && found.pool === undefined && (found.images === undefined || features === undefined)) {
      throw new CommandError(
        `--bootstrap: expected features or images of the samples, got statistics in '${samples}'. Leave it out.`,
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

/** Reads the logits of the samples. @throws CommandError if their number differs from the number of samples. */
async function readLogits(path: string, { pool, images, statistics }: EvaluationSet, samples: string): Promise<Matrix> {
  const logits = await readNpyMatrix(path);
  const count = pool?.rows ?? images?.count ?? statistics?.count;
  if (count === undefined || logits.rows === count) return logits;
  throw new CommandError(
    `--logits: expected a row for each of ${countOf(count, 'sample')} in '${samples}', got ${logits.rows} in '${path}'. ` +
      'Pass the logits of these samples.',
  );
}

/** Notes the files of a folder that are not images. */
function noteIgnored({ images }: EvaluationSet, context: Context): void {
  if (images === undefined || images.ignored.length === 0) return;
  context.note(`${images.path}: files left out because they are no images: ${namesOf(images.ignored)}`);
}

/** @throws CommandError if the features of both sets have a known network, and not the same one. */
function checkNetworks([a, b]: readonly [SideNetwork, SideNetwork]): void {
  if (a[1] === undefined || b[1] === undefined || a[1] === b[1]) return;
  throw new CommandError(
    `expected features of one network and resize, got ${a[1]} in '${a[0]}' and ${b[1]} in '${b[0]}'. ` +
      'Compute both with the same --features, --resize, --orientation and --background.',
  );
}

type SideNetwork = readonly [path: string, identity: string | undefined];
