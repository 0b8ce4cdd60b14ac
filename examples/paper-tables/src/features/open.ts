import { existsSync } from 'node:fs';
import { createInceptionNetwork, type FeatureNetwork, featureStatistics } from '@dpar/eval';
import { loadFeatureWeights } from '@dpar/eval/node';
import { augment, type ImageSet, readEntries } from '@dpar/example-kit/emoji';
import { compareCodePoints } from '@dpar/io';
import { readCheckpoint, writeCheckpoint } from '@dpar/io/node';
import { digestOf } from '../lab/cache.js';
import { featuresCost } from '../lab/costs.js';
import type { Lab } from '../lab/lab.js';
import { classifierFeatures, imagesOf } from './feature-network.js';
import { trainClassifier } from './train.js';

/** Opens the Inception-v3 of FID from a file of its weights. */
export async function inceptionFeatures({ engine }: Pick<Lab, 'engine'>, file: string): Promise<FeatureNetwork> {
  return createInceptionNetwork(engine, await loadFeatureWeights(file), { resize: 'adm' });
}

/**
 * Opens a classifier of Google's emoji by their subcategories (face-smiling, country-flag, ...). It is trained on the
 * training images, or read if it was trained before. Its name states its accuracy on the validation images.
 */
export async function ownFeatures(lab: Lab): Promise<FeatureNetwork> {
  const { engine, settings, cache } = lab;
  const { features } = settings;
  const { train, validation } = await lab.data.images('google');
  const { classes, of } = await subcategories();
  const config = { channels: features.channels, classes: classes.length };
  const { digest } = (await lab.data.at('google', 16)).train;
  const identity = digestOf([features, classes, digest, totalVariance]);
  const folder = await cache.place('features', identity);
  const cost = featuresCost(features);
  const work = { kind: 'features', identity, name: 'Feature network', total: features.steps, cost };
  await lab.work.ensure(work, existsSync(folder), async (progress) => {
    const labels = (set: ImageSet) => Int32Array.from(set.names, (name) => classes.indexOf(of(name)));
    const images = augment(train, [], features.copies, 0);
    const labelled = { pixels: images.pixels, labels: labels(images) };
    const parameters = await trainClassifier(engine, config, labelled, features, progress);
    const network = classifierFeatures(engine, config, parameters, identity, 1);
    const accuracy = await accuracyOn(network, validation, labels(validation));
    const scale = Math.sqrt(totalVariance / (await varianceOn(network, train)));
    await network.dispose();
    await writeCheckpoint(folder, { kind: 'classifier', ...config, accuracy, scale }, parameters);
  });
  const { config: json, parameters } = await readCheckpoint(folder);
  const percent = (100 * Number(json.accuracy)).toFixed(0);
  return {
    ...classifierFeatures(engine, config, parameters, identity, Number(json.scale)),
    name:
      `a convolutional classifier of ${classes.length} subcategories of emoji, trained by this example ` +
      `(${percent} % of ${validation.labels.length} validation images right; ${config.channels[3]} features, scaled to a total variance of ${totalVariance})`,
  };
}

/** Sum of the variances of the scaled features over the training images. */
const totalVariance = 100;

async function varianceOn(network: FeatureNetwork, { pixels }: ImageSet): Promise<number> {
  const { pool } = await network.extract(imagesOf(pixels, 64));
  const { covariance, mean } = featureStatistics(pool);
  return mean.reduce((sum, _, i) => sum + (covariance[i * (mean.length + 1)] as number), 0);
}

async function accuracyOn(network: FeatureNetwork, { pixels }: ImageSet, labels: Int32Array): Promise<number> {
  const { logits } = await network.extract(imagesOf(pixels, 64));
  if (logits === undefined) return Number.NaN;
  const { data, columns } = logits;
  const right = labels.filter((label, i) => {
    const row = data.subarray(i * columns, (i + 1) * columns);
    return row.every((value) => value <= (row[label] as number));
  });
  return right.length / labels.length;
}

/** Subcategories of emoji, and a function from an emoji's name to its subcategory. */
async function subcategories(): Promise<{ classes: string[]; of: (name: string) => string }> {
  const { entries } = await readEntries('google');
  const byName = new Map(entries.map((entry) => [entry.short_name, entry.subcategory]));
  return { classes: [...new Set(byName.values())].sort(compareCodePoints), of: (name) => byName.get(name) as string };
}
