import type { FeatureNetwork } from '@dpar/eval';
import { parseColor, type Rgb } from '@dpar/images';
import { type ImageSource, type ImageSourceOptions, openImageSource } from '@dpar/images/node';
import { initializeParameters } from '@dpar/nn';
import { DparError, type Engine, isDparError } from '@dpar/tensor';
import { type PerceptualDistance, perceptualLoss, type TokenizerLoss, trainingOf } from '@dpar/tokenizer';
import type { PictureBatch } from '../batches/pictures.js';
import { checkArguments } from '../check-arguments.js';
import { type TrainingDataOptions, trainingDataOptionsKinds } from '../disk/training-data.js';
import { loadPerceptualNetwork } from '../perceptual/load-network.js';
import { TokenizerTrainer } from '../trainer/tokenizer-trainer.js';
import { scheduleOf } from './config-keys.js';
import { perceptualNetworkKey } from './data-identity.js';
import { tokenizerFromSettings } from './model-settings.js';
import { type StartAccount, startingParameters } from './starting-parameters.js';
import { parseTrainConfig, type TokenizerTrainConfig, tokenizerConfig } from './train-config.js';

/** Options for the data of a run. */
export interface RunDataOptions extends TrainingDataOptions {
  /** Called with a sentence for people, such as about a damaged picture. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** The network that `features` of a tokenizer's configuration names. It is not disposed of. */
  readonly features?: FeatureNetwork | undefined;
}

/** Kinds of {@link RunDataOptions}. */
const runDataOptionsKinds = { ...trainingDataOptionsKinds, 'onNote?': 'function', 'features?': 'object' } as const;

/**
 * Creates the trainer of a tokenizer's configuration: opens its pictures, and draws initial parameters or reads those of
 * `init_from`. Paths are relative to the working folder. The trainer's `dispose` closes the pictures.
 * @throws DparError if the configuration is invalid or of another model, or if pictures or checkpoints do not fit it.
 */
export async function createTokenizerTrainer(
  engine: Engine,
  config: TokenizerTrainConfig,
  options: RunDataOptions = {},
): Promise<TokenizerTrainer> {
  checkArguments(
    'createTokenizerTrainer',
    { engine, config, options },
    { engine: 'Engine', config: 'object', 'options?': runDataOptionsKinds },
  );
  const where = 'createTokenizerTrainer';
  const valid = tokenizerConfig(where, parseTrainConfig(where, config));
  return (await tokenizerTrainer(engine, valid, options, false)).trainer;
}

/** The trainer of a tokenizer, digests of the files that it reads, by the configuration's keys, and what it starts from. */
interface TokenizerTrainerOfRun {
  readonly trainer: TokenizerTrainer;
  readonly data: Readonly<Record<string, string>>;
  readonly start: StartAccount | undefined;
}

/**
 * The trainer of a valid configuration.
 * @param resumes Leaves out the weights of `init_from`, since a checkpoint of the run takes their place.
 */
export async function tokenizerTrainer(
  engine: Engine,
  config: TokenizerTrainConfig,
  { onNote, features }: RunDataOptions,
  resumes: boolean,
): Promise<TokenizerTrainerOfRun> {
  const { optimizer, seed, discriminator, init_from, loss } = config;
  if (config.features !== null && features === undefined) {
    throw new DparError(
      `features: expected the option 'features', the network in '${config.features.network}', got none. Load it, for example with ` +
        'createInceptionNetwork or createOnnxNetwork of @dpar/eval, or set features to null in the configuration.',
    );
  }
  const architecture = tokenizerFromSettings(config.model);
  const drawn = initializeParameters(architecture.kind.specs(architecture.config), seed);
  const initFrom = resumes ? undefined : init_from;
  const { parameters, whole, account: start } = await startingParameters(initFrom, architecture, { drawn });
  const { absolute, squared, codebook, commitment, entropy } = loss;
  const perceptual = loss.perceptual === null ? undefined : await loadPerceptual(loss.perceptual);
  const { data, validation } = await openPictures(config, architecture.config.imageSize, onNote);
  const trainer = new TokenizerTrainer({
    engine,
    model: { ...architecture, parameters },
    data,
    validation,
    validateEvery: config.validate_every ?? undefined,
    steps: config.steps,
    batchSize: config.batch_size,
    seed,
    features,
    loss: {
      weights: { absolute, squared, codebook, commitment, entropy },
      ...(perceptual && { perceptual: perceptual.term }),
    },
    adversarial: discriminator
      ? {
          discriminator: { width: discriminator.width, layers: discriminator.layers },
          weight: discriminator.weight,
          adaptive: discriminator.adaptive,
          start: discriminator.start,
          learningRateRatio: discriminator.learning_rate_ratio,
        }
      : undefined,
    schedule: scheduleOf(config),
    optimizer: { betas: optimizer.betas, epsilon: optimizer.epsilon, weightDecay: optimizer.weight_decay },
    maxGradientNorm: optimizer.max_gradient_norm,
    averageDecay: optimizer.average_decay ?? undefined,
    reviveAfter: config.revive_after,
    keepsCodebook: whole.has(trainingOf(architecture.kind).codebook),
  });
  const digests = perceptual && { [perceptualNetworkKey]: `sha256:${perceptual.digest}` };
  return { trainer, data: { ...trainer.dataDigests, ...digests }, start };
}

/** Loads the network of a perceptual loss. */
async function loadPerceptual({
  network: path,
  weight,
  ...options
}: NonNullable<TokenizerTrainConfig['loss']['perceptual']>): Promise<{
  readonly term: NonNullable<TokenizerLoss['perceptual']>;
  readonly digest: string;
}> {
  const { network, digest } = await loadPerceptualNetwork(path, options);
  const distance: PerceptualDistance = (ops, decoded, images) => perceptualLoss(ops, network, decoded, images);
  return { term: { distance, weight }, digest };
}

/** Opens the pictures of training and validation. Damaged ones are told of when they are met. */
async function openPictures(
  { data: keys, batch_size: batchSize, seed }: TokenizerTrainConfig,
  size: number,
  onNote: RunDataOptions['onNote'],
): Promise<{ readonly data: ImageSource; readonly validation: ImageSource | undefined }> {
  const { images, validation_share: validationShare, crop, scales, flip, threads, prefetch_batches: ahead } = keys;
  const background = parseColor(keys.background) as Rgb; // checked by the configuration
  const onDamaged = ({ path, reason }: { readonly path: string; readonly reason: string }) =>
    onNote?.(`left out '${path}': ${reason}`);
  const common = { size, batchSize, background, threads, onDamaged };
  const data = await openFolder('data.images', images, { ...common, crop, scales, flip, seed, ahead, validationShare });
  try {
    return { data, validation: await openValidation(keys, { ...common, ahead: 1 }) };
  } catch (error) {
    await data.close();
    throw error;
  }
}

/**
 * Opens the validation pictures in the order of their names; `undefined` without any. They are whole or cropped in the middle, so
 * that all validations measure the same.
 */
async function openValidation(
  { images, validation, validation_share: validationShare, crop }: TokenizerTrainConfig['data'],
  options: ImageSourceOptions,
): Promise<ImageSource | undefined> {
  const fixed = { ...options, crop: crop === 'fit' ? crop : ('center' as const), shuffle: false };
  if (validation !== undefined) return openFolder('data.validation', validation, fixed);
  if (validationShare === 0) return undefined;
  return openFolder('data.images', images, { ...fixed, validationShare, part: 'validation' });
}

/** Opens the pictures of a key of the configuration. @throws DparError naming the key if the folder is missing or has none. */
async function openFolder(key: string, folder: string, options: ImageSourceOptions): Promise<ImageSource> {
  return openImageSource(folder, options).catch((error: NodeJS.ErrnoException) => {
    if (isDparError(error)) throw new DparError(error.message.replace('openImageSource', key), { cause: error });
    const got = { ENOENT: 'no such folder', ENOTDIR: 'a file' }[error.code ?? ''];
    if (got === undefined) throw error;
    throw new DparError(`${key}: expected a folder of pictures at '${folder}', got ${got}. Correct the path.`, {
      cause: error,
    });
  });
}

/**
 * Pictures of a configuration to look at, evenly spread over the validation pictures, or without them over the training pictures.
 * @param count Number of pictures; fewer if there are fewer.
 * @throws DparError naming the key of the configuration if a folder is missing or has no pictures.
 */
export async function picturesToShow(config: TokenizerTrainConfig, count: number): Promise<PictureBatch> {
  checkArguments('picturesToShow', { config, count }, { config: 'object', count: 'number' });
  const { data, model } = config;
  const { imageSize: size } = tokenizerFromSettings(model).config;
  const options = {
    size,
    batchSize: 1,
    background: parseColor(data.background) as Rgb,
    shuffle: false,
    threads: 1,
    ahead: 0,
  };
  const source =
    (await openValidation(data, options)) ??
    (await openFolder('data.images', data.images, { ...options, crop: data.crop === 'fit' ? 'fit' : 'center' }));
  try {
    const shown = Math.min(count, source.images);
    const batches: PictureBatch[] = [];
    for (let i = 0; i < shown; i++) batches.push(await source.batch(Math.floor((i * source.images) / shown)));
    const bytes = 3 * size * size;
    const pixels = new Uint8Array(shown * bytes);
    for (const [i, batch] of batches.entries()) pixels.set(batch.pixels, i * bytes);
    return { images: Int32Array.from(batches, ({ images }) => images[0] as number), pixels };
  } finally {
    await source.close();
  }
}
