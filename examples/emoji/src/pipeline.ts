import { type Calibration, calibrateThreshold } from '@dpar/entropy';
import {
  type DparConfig,
  dparMacs,
  dparMatmulMacs,
  type LlamaGenConfig,
  llamaGenMacs,
  llamaGenMatmulMacs,
  patchingOptions,
} from '@dpar/model';
import { type PatchStatistics, patchLengths, patchStatistics } from '@dpar/patchify';
import { DparSampler, LlamaGenSampler } from '@dpar/sampler';
import { type Engine, type HostTensor, type HostTensorOf, int32 } from '@dpar/tensor';
import { bytesFromImages, createPatchVq, type ImageTokenizer, peakSignalToNoiseRatio } from '@dpar/tokenizer';
import { entropiesOfSet, type TokenSet, trainableDpar, trainableEntropyModel, trainableLlamaGen } from '@dpar/train';
import { augment } from './augment.js';
import { type Emoji, type ImageSet, loadEmoji } from './emoji.js';
import type { Stages } from './progress.js';
import { modelConfigs, type Settings } from './settings.js';
import { type Generated, generate, gridLabels } from './stages/generation.js';
import { encodeAll, makeCodebook, trainDecoder } from './stages/tokenizer.js';
import { type TrainingResult, trainSideBySide } from './stages/training.js';

/** A model that was trained, with its configuration and what came of it. */
export interface ModelResult<C> {
  readonly config: C;
  readonly parameters: Record<string, HostTensor>;
  readonly training: TrainingResult;
}

/** A generator of images among them. */
export interface GeneratorResult<C> extends ModelResult<C> {
  readonly generated: Generated;
  /** [B, 64, 64, 3], 0..255 */
  readonly pixels: Uint8Array;
}

/** A set of images as tokens, and what the entropy model says of it. */
export interface TokenizedSet {
  readonly images: ImageSet;
  /** With entropies. */
  readonly tokens: Required<TokenSet>;
  /** [N, 64, 64, 3]: images of the tokens. */
  readonly reconstructed: Uint8Array;
  /** PSNR of all images together, dB. */
  readonly psnr: number;
  readonly patchLengths: readonly Int32Array[];
  readonly patches: PatchStatistics;
}

/** Multiply-accumulates of a forward pass for one image. */
export interface Compute {
  readonly dpar: number;
  readonly llamaGen: number;
}

/** Everything that a run found out. */
export interface Results {
  readonly settings: Settings;
  readonly engine: string;
  readonly classes: readonly string[];
  readonly train: TokenizedSet;
  readonly validation: TokenizedSet;
  readonly tokenizer: Record<string, HostTensor>;
  readonly entropyModel: ModelResult<ReturnType<typeof modelConfigs>['entropy']>;
  readonly calibration: Calibration;
  readonly dpar: GeneratorResult<DparConfig>;
  readonly llamaGen: GeneratorResult<LlamaGenConfig>;
  /** Linear layers only, as Table S1 of the paper counts. */
  readonly linearMacs: Compute & { readonly entropyModel: number };
  /** All matrix products, attention included. */
  readonly matmulMacs: Compute;
  /** Class of each generated image. */
  readonly labels: Int32Array;
}

/** The whole run: images to tokens, entropy model, patches, DPAR and LlamaGen, generated images. */
export async function runPipeline(engine: Engine, settings: Settings, stages: Stages): Promise<Results> {
  const { seed, models, generation } = settings;
  const emoji = await readEmoji(settings, stages);
  const { tokenizer, parameters: tokenizerParameters } = await fitTokenizer(engine, emoji, settings, stages);
  const [trainTokens, validationTokens] = await stages.run('Images to tokens', 2, async () => [
    await tokenize(tokenizer, augment(emoji.train, emoji.classes, settings.copies, seed)),
    await tokenize(tokenizer, emoji.validation),
  ]);
  const configs = modelConfigs(settings, emoji.classes.length);

  const tokens = { train: trainTokens.tokens, validation: validationTokens.tokens };
  const [entropyModel] = await stages.run('Entropy model', settings.entropyModel.steps, (progress) => {
    const model = trainableEntropyModel(configs.entropy);
    const forwardMacs = llamaGenMatmulMacs(configs.entropy);
    const task = { name: 'loss', model, forwardMacs, settings: settings.entropyModel, seed };
    return trainSideBySide(engine, [task], tokens, progress);
  });
  const [trainEntropies, validationEntropies] = await stages.run('Entropies', 1, async (progress) => {
    const entropies = (set: TokenSet) =>
      entropiesOfSet(engine, configs.entropy, entropyModel.parameters, set, {
        batchSize: 32,
        onProgress: (done, all) => progress.update(done / all),
      });
    return [await entropies(tokens.train), await entropies(tokens.validation)];
  });
  const { targetMeanPatchLength, maxPatchLength } = settings.patching;
  const rowLength = tokenizer.gridSize;
  const calibration = calibrateThreshold(trainEntropies, { targetMeanPatchLength, maxPatchLength, rowLength });
  const dparConfig = configs.dpar(calibration.threshold);
  const train = withPatches(trainTokens, trainEntropies, dparConfig);
  const validation = withPatches(validationTokens, validationEntropies, dparConfig);

  const patches = train.patches.patches / train.patches.images;
  const matmulMacs = { dpar: dparMatmulMacs(dparConfig, patches), llamaGen: llamaGenMatmulMacs(configs.llamaGen) };
  const data = { train: train.tokens, validation: validation.tokens };
  const [dpar, llamaGen] = await stages.run('DPAR and LlamaGen', models.steps, (progress) => {
    const shared = { settings: models, seed };
    const dparTask = {
      name: 'DPAR',
      model: trainableDpar(dparConfig),
      forwardMacs: matmulMacs.dpar,
    };
    const llamaGenTask = {
      name: 'LlamaGen',
      model: trainableLlamaGen(configs.llamaGen),
      forwardMacs: matmulMacs.llamaGen,
    };
    return trainSideBySide(
      engine,
      [
        { ...shared, ...dparTask },
        { ...shared, ...llamaGenTask },
      ],
      data,
      progress,
    );
  });

  const { imagesPerClass, ...decoding } = generation;
  const labels = gridLabels(emoji.classes.length, imagesPerClass);
  const [B, T] = [labels.length, rowLength ** 2];
  const sampling = { ...decoding, labels, seed };
  const dparGenerated = await stages.run('DPAR generates', T, async (progress) => {
    const weights = { config: dparConfig, parameters: dpar.parameters };
    const sampler = new DparSampler(engine, weights, { config: configs.entropy, parameters: entropyModel.parameters });
    return generate(sampler.steps(sampling), B, T, progress).finally(() => sampler.dispose());
  });
  const llamaGenGenerated = await stages.run('LlamaGen generates', T, async (progress) => {
    const sampler = new LlamaGenSampler(engine, { config: configs.llamaGen, parameters: llamaGen.parameters });
    return generate(sampler.steps(sampling), B, T, progress).finally(() => sampler.dispose());
  });
  const pixelsOf = async ({ tokens: codes }: Generated) =>
    bytesFromImages(await tokenizer.decode(int32([B, T], codes)));

  return {
    settings,
    engine: engine.name,
    classes: emoji.classes,
    train,
    validation,
    tokenizer: tokenizerParameters,
    entropyModel: { config: configs.entropy, parameters: entropyModel.parameters, training: entropyModel.result },
    calibration,
    dpar: {
      config: dparConfig,
      parameters: dpar.parameters,
      training: dpar.result,
      generated: dparGenerated,
      pixels: await pixelsOf(dparGenerated),
    },
    llamaGen: {
      config: configs.llamaGen,
      parameters: llamaGen.parameters,
      training: llamaGen.result,
      generated: llamaGenGenerated,
      pixels: await pixelsOf(llamaGenGenerated),
    },
    linearMacs: {
      dpar: dparMacs(dparConfig, patches),
      llamaGen: llamaGenMacs(configs.llamaGen),
      // A GPT of the same blocks.
      entropyModel: llamaGenMacs(configs.entropy),
    },
    matmulMacs,
    labels,
  };
}

function readEmoji({ images }: Settings, stages: Stages): Promise<Emoji> {
  return stages.run('Images', 1, (progress) => loadEmoji(images, (done, total) => progress.update(done / total)));
}

async function fitTokenizer(engine: Engine, { train }: Emoji, { tokenizer: settings, seed }: Settings, stages: Stages) {
  const codebook = await stages.run('Tokenizer: codebook', settings.iterations, (progress) =>
    makeCodebook(engine, train.pixels, settings, seed, progress),
  );
  const parameters = await stages.run('Tokenizer: decoder', settings.steps, (progress) =>
    trainDecoder(engine, train.pixels, codebook, settings, seed, progress),
  );
  return { parameters, tokenizer: createPatchVq(engine, settings.config, parameters) };
}

type Tokenized = Pick<TokenizedSet, 'images' | 'reconstructed' | 'psnr'> & { readonly tokens: TokenSet };

async function tokenize(tokenizer: ImageTokenizer, images: ImageSet): Promise<Tokenized> {
  const tokens = await encodeAll(tokenizer, images.pixels);
  const reconstructed = bytesFromImages(await tokenizer.decode(tokens));
  return {
    images,
    tokens: { tokens, labels: int32([images.labels.length], images.labels) },
    reconstructed,
    psnr: peakSignalToNoiseRatio(images.pixels, reconstructed),
  };
}

function withPatches(set: Tokenized, entropies: HostTensorOf<'float32'>, config: DparConfig): TokenizedSet {
  const [images = 0, predicted = 0] = entropies.shape;
  const lengths = Array.from({ length: images }, (_, i) =>
    patchLengths(entropies.data.subarray(i * predicted, (i + 1) * predicted), patchingOptions(config)),
  );
  return {
    ...set,
    tokens: { ...set.tokens, entropies },
    patchLengths: lengths,
    patches: patchStatistics(lengths),
  };
}
