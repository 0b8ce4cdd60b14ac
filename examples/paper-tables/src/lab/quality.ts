import {
  type FeatureNetwork,
  type FeatureStatistics,
  featureStatistics,
  frechetDistance,
  frechetInterval,
  type ImageFeatures,
  inceptionScore,
  precisionRecall,
} from '@dpar/eval';
import { bytesFromImages } from '@dpar/tokenizer';
import { imagesOf } from '../features/feature-network.js';
import type { EvaluationRecipe } from '../recipes.js';
import { mainGrid, patchSize } from '../settings.js';
import { measuringCost } from './costs.js';
import type { Lab } from './lab.js';
import { type PatchedData, trainModel } from './models.js';
import type { Run } from './runs.js';
import { type Samples, sampleOnce } from './samples.js';

/** Quality of images by their features. */
export interface Quality {
  readonly fid: number;
  /** Interval of level 0.95 over other samples of the model. */
  readonly fidLow: number;
  readonly fidHigh: number;
  readonly inceptionScore: number;
  readonly precision: number;
  readonly recall: number;
}

/** Quality and patches of images that a model generated. */
export interface Evaluation extends Quality {
  readonly run: Run;
  readonly images: number;
  readonly meanPatchLength: number;
}

interface Reference {
  readonly features: ImageFeatures;
  readonly statistics: FeatureStatistics;
}

const references = new WeakMap<FeatureNetwork, Promise<Reference>>();

/** Features of all real images of 64 x 64 pixels, extracted once for each network. */
function referenceOf(lab: Lab, network: FeatureNetwork): Promise<Reference> {
  const extract = async (): Promise<Reference> => {
    const { train, validation } = await lab.data.images('google');
    const images = [train, validation].flatMap(({ pixels }) => imagesOf(pixels, 64));
    const features = await lab.stages.run('Features of the real images', images.length, (progress) =>
      extractAll(network, images, (done) => progress.update(done)),
    );
    return { features, statistics: featureStatistics(features.pool) };
  };
  const known = references.get(network) ?? extract();
  references.set(network, known);
  return known;
}

async function extractAll(
  network: FeatureNetwork,
  images: ReturnType<typeof imagesOf>,
  onProgress: (done: number) => void = () => {},
): Promise<ImageFeatures> {
  const parts: ImageFeatures[] = [];
  for (let start = 0; start < images.length; start += 256) {
    parts.push(await network.extract(images.slice(start, start + 256)));
    onProgress(Math.min(images.length, start + 256));
  }
  const joined = (of: (part: ImageFeatures) => ImageFeatures['pool'] | undefined) => {
    const columns = parts[0] ? (of(parts[0])?.columns ?? 0) : 0;
    const data = new Float32Array(images.length * columns);
    let at = 0;
    for (const part of parts) {
      const rows = of(part)?.data ?? [];
      data.set(rows, at);
      at += rows.length;
    }
    return { data, rows: images.length, columns };
  };
  return { pool: joined(({ pool }) => pool), logits: joined(({ logits }) => logits) };
}

async function measure(lab: Lab, network: FeatureNetwork, pixels: Uint8Array, size: number): Promise<Quality> {
  const { features, statistics } = await referenceOf(lab, network);
  const { pool, logits } = await extractAll(network, imagesOf(pixels, size));
  const interval = frechetInterval(statistics, pool);
  if (logits === undefined)
    throw new Error(`quality: expected a feature network with logits, got '${network.name}'. Use another network.`);
  return {
    fid: interval.distance,
    fidLow: interval.low,
    fidHigh: interval.high,
    inceptionScore: inceptionScore(logits, { splitSize: logits.rows }).mean,
    ...precisionRecall(features.pool, pool),
  };
}

/** Images of tokens: [N, S, S, 3]. */
async function pixelsOf(lab: Lab, { tokens }: Pick<Samples, 'tokens'>): Promise<Uint8Array> {
  return bytesFromImages(await lab.tokenizer.decode(tokens));
}

/** Measures images, or reads what was measured. @param name Of the images, in progress and records. */
export async function qualityOnce(lab: Lab, name: string, { identity, tokens }: Samples): Promise<Quality> {
  const [images = 0, T = 0] = tokens.shape;
  const network = await lab.features();
  const reference = (await lab.data.at('google', mainGrid)).train.digest;
  const recipe = { samples: identity, features: network.identity, reference };
  const work = { kind: 'quality', name: `Quality: ${name}`, total: 1, cost: measuringCost(images) };
  return lab.work.json(work, recipe, async () =>
    measure(lab, network, await pixelsOf(lab, { tokens }), patchSize * Math.sqrt(T)),
  );
}

/** Trains a model, generates images with it and measures them. Everything that was done before is read. */
export async function evaluate(lab: Lab, recipe: EvaluationRecipe, data: PatchedData): Promise<Evaluation> {
  const run = await trainModel(lab, recipe.model, data);
  const name = [run.name, recipe.label].filter(Boolean).join(', ');
  const samples = await sampleOnce(lab, name, run, recipe, data);
  const quality = await qualityOnce(lab, name, samples);
  return { ...quality, run, images: samples.tokens.shape[0] ?? 0, meanPatchLength: samples.meanPatchLength };
}

/** Evaluates several models one after the other. */
export async function evaluateAll(
  lab: Lab,
  recipes: readonly EvaluationRecipe[],
  data: PatchedData,
): Promise<Evaluation[]> {
  const evaluations: Evaluation[] = [];
  for (const recipe of recipes) evaluations.push(await evaluate(lab, recipe, data));
  return evaluations;
}

/** FID of the tokenizer's reconstructions of the real images, a lower bound for models of its tokens. */
export async function tokenizerFid(lab: Lab): Promise<number> {
  const network = await lab.features();
  const { train, validation } = await lab.data.at('google', mainGrid);
  const recipe = { tokenizer: [train.digest, validation.digest], features: network.identity };
  const count = train.labels.length + validation.labels.length;
  const work = { kind: 'quality', name: "Quality of the tokenizer's images", total: 1, cost: measuringCost(count) };
  return lab.work.json(work, recipe, async () => {
    const { statistics } = await referenceOf(lab, network);
    const decoded = await Promise.all([train, validation].map((set) => pixelsOf(lab, set)));
    const features = await extractAll(
      network,
      decoded.flatMap((pixels) => imagesOf(pixels, 64)),
    );
    return frechetDistance(statistics, featureStatistics(features.pool)).distance;
  });
}
