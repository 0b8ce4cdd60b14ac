import { basename } from 'node:path';
import { frechetDistance, inceptionScore, kernelDistance, precisionRecall } from '@dpar/eval';
import { defineCommand } from '../command.js';
import { readEvaluationInput, readMatrix } from '../evaluation-input.js';
import { file, optional, path, required, wholeNumber } from '../options.js';
import { formatList } from '../table.js';

export const evaluate = defineCommand({
  name: 'eval',
  summary: 'FID, Inception Score, precision and recall, and KID of image features',
  details:
    'Statistics as reference (.npz with mu and sigma) give FID; features (.npy, [N, D]) also precision, recall and KID.\n' +
    'FID falls as N grows: compare only values of one N, one resize and one feature network.',
  options: {
    reference: required(path, 'features .npy, or statistics .npz with mu and sigma'),
    samples: required(path, 'features .npy, or statistics .npz with mu and sigma'),
    logits: optional(file, 'class logits of the samples .npy, for the Inception Score'),
    splitSize: optional(wholeNumber(1), 'images in a split of the Inception Score', 5000),
    k: optional(wholeNumber(1), 'neighbours of precision and recall', 3),
  },
  run: async ({ reference, samples, logits, splitSize, k }, context) => {
    const [expected, found] = [await readEvaluationInput(reference), await readEvaluationInput(samples)];
    const fid = frechetDistance(expected.statistics, found.statistics);
    const sfid = expected.spatial && found.spatial ? frechetDistance(expected.spatial, found.spatial) : undefined;
    const score = logits === undefined ? undefined : inceptionScore(await readMatrix(logits), { splitSize });
    const both = expected.features && found.features ? ([expected.features, found.features] as const) : undefined;
    const shares = both && precisionRecall(...both, { k });
    const kid = both && kernelDistance(...both);
    const warnings = [...fid.warnings, ...(sfid?.warnings ?? [])];
    for (const warning of warnings) context.note(warning);
    const [referenceCount, sampleCount] = [expected.statistics.count, found.statistics.count];
    const data = {
      fid: fid.distance,
      ...(sfid && { sfid: sfid.distance }),
      ...(score && { inception_score: score.mean, inception_score_deviation: score.deviation }),
      ...shares,
      ...(kid && { kid: kid.mean, kid_standard_error: kid.standardError }),
      reference_count: referenceCount ?? null,
      sample_count: sampleCount ?? null,
      warnings,
    };
    const text = formatList([
      ['reference', `${basename(reference)}, N = ${referenceCount ?? 'not stated'}`],
      ['samples', `${basename(samples)}, N = ${sampleCount ?? 'not stated'}`],
      ['features', `${found.statistics.mean.length} numbers an image; network and resize as in the files`],
      ['FID', `${fid.distance.toFixed(4)} (biased upwards; more so with fewer images)`],
      ...(sfid ? [['sFID', sfid.distance.toFixed(4)] as const] : []),
      ...(score
        ? [
            [
              'Inception Score',
              `${score.mean.toFixed(4)} ± ${score.deviation.toFixed(4)}, splits of ${splitSize}`,
            ] as const,
          ]
        : []),
      ...(shares
        ? [
            ['precision', `${shares.precision.toFixed(4)} (k = ${k})`] as const,
            ['recall', `${shares.recall.toFixed(4)} (k = ${k})`] as const,
          ]
        : []),
      ...(kid ? [['KID', `${kid.mean.toFixed(6)} ± ${kid.standardError.toFixed(6)} (standard error)`] as const] : []),
    ]);
    return { data, text };
  },
});
