import { calibrateThreshold, entropyKind } from '@dpar/entropy';
import type { Stages } from '@dpar/example-kit';
import { augment, loadEmoji } from '@dpar/example-kit/emoji';
import { dparKind, dparMacs, dparMatmulMacs, llamaGenKind, llamaGenMacs } from '@dpar/model';
import { gptMatmulMacs } from '@dpar/nn';
import { createSampler, type Sampler } from '@dpar/sampler';
import { type Engine, int32 } from '@dpar/tensor';
import { bytesFromImages, createTokenizer, patchVqKind } from '@dpar/tokenizer';
import { entropiesOfSet, type TokenSet } from '@dpar/train';
import type { Results } from './results.js';
import { modelConfigs, type Settings } from './settings.js';
import { generate } from './stages/generation.js';
import { fitTokenizer } from './stages/tokenizer.js';
import { tokenize, withPatches } from './stages/tokens.js';
import { trainSideBySide } from './stages/training.js';

/** Runs the demo: images to tokens, entropy model, patches, DPAR and LlamaGen, generated images. */
export async function runPipeline(engine: Engine, settings: Settings, stages: Stages): Promise<Results> {
  const { seed, copies, models, patching } = settings;
  const emoji = await stages.run('Images', 1, (progress) => loadEmoji(settings.images, progress));
  const { classes } = emoji;

  const vq = await fitTokenizer(engine, emoji.train.pixels, settings.tokenizer, seed, stages);
  const { config } = settings.tokenizer;
  const tokenizer = createTokenizer(engine, { kind: patchVqKind, config, parameters: vq });
  const images = await stages.run('Images to tokens', 2, async () => ({
    train: await tokenize(tokenizer, augment(emoji.train, classes, copies, seed)),
    validation: await tokenize(tokenizer, emoji.validation),
  }));

  const configs = modelConfigs(settings, classes.length);
  const tokens = { train: images.train.tokens, validation: images.validation.tokens };
  const [trainedEntropyModel] = await stages.run('Entropy model', settings.entropyModel.steps, (progress) => {
    const model = { kind: entropyKind, config: configs.entropy };
    const forwardMacs = gptMatmulMacs(configs.entropy);
    const task = { name: 'loss', model, forwardMacs, settings: settings.entropyModel, seed };
    return trainSideBySide(engine, [task], tokens, progress);
  });
  const entropyModel = { kind: entropyKind, config: configs.entropy, parameters: trainedEntropyModel.parameters };
  const entropies = await stages.run('Entropies', 1, async (progress) => {
    const options = { batchSize: 32, onProgress: (done: number, all: number) => progress.update(done / all) };
    const entropiesOf = (set: TokenSet) => entropiesOfSet(engine, entropyModel, set, options);
    return { train: await entropiesOf(tokens.train), validation: await entropiesOf(tokens.validation) };
  });
  const calibration = calibrateThreshold(entropies.train, { ...patching, rowLength: tokenizer.gridSize });
  const dparConfig = configs.dpar(calibration.threshold);
  const train = withPatches(images.train, entropies.train, dparConfig);
  const validation = withPatches(images.validation, entropies.validation, dparConfig);

  const patches = train.patches.patches / train.patches.images;
  const matmulMacs = { dpar: dparMatmulMacs(dparConfig, patches), llamaGen: gptMatmulMacs(configs.llamaGen) };
  const [dpar, llamaGen] = await stages.run('DPAR and LlamaGen', models.steps, (progress) => {
    const dparModel = { kind: dparKind, config: dparConfig };
    const llamaGenModel = { kind: llamaGenKind, config: configs.llamaGen };
    const tasks = [
      { name: 'DPAR', model: dparModel, forwardMacs: matmulMacs.dpar, settings: models, seed },
      { name: 'LlamaGen', model: llamaGenModel, forwardMacs: matmulMacs.llamaGen, settings: models, seed },
    ] as const;
    return trainSideBySide(engine, tasks, { train: train.tokens, validation: validation.tokens }, progress);
  });
  const dparModel = { kind: dparKind, config: dparConfig, parameters: dpar.parameters };
  const llamaGenModel = { kind: llamaGenKind, config: configs.llamaGen, parameters: llamaGen.parameters };

  const { imagesPerClass, ...decoding } = settings.generation;
  const T = tokenizer.gridSize ** 2;
  const labels = Int32Array.from({ length: classes.length * imagesPerClass }, (_, i) => Math.floor(i / imagesPerClass));
  const options = { ...decoding, labels, seed };
  const draw = async (name: string, sampler: Sampler) => {
    const generated = await stages.run(`${name} generates`, T, (progress) => generate(sampler, options, T, progress));
    const decoded = await tokenizer.decode(int32([labels.length, T], generated.tokens));
    return { generated, pixels: bytesFromImages(decoded) };
  };
  const dparImages = await draw('DPAR', createSampler(engine, dparModel, { entropyModel }));
  const llamaGenImages = await draw('LlamaGen', createSampler(engine, llamaGenModel));

  const linearMacs = {
    dpar: dparMacs(dparConfig, patches),
    llamaGen: llamaGenMacs(configs.llamaGen),
    entropyModel: llamaGenMacs(configs.entropy), // a GPT of the same blocks
  };
  return {
    settings,
    engine: engine.name,
    classes,
    train,
    validation,
    tokenizer: vq,
    calibration,
    entropyModel: { ...entropyModel, training: trainedEntropyModel.result },
    dpar: { ...dparModel, training: dpar.result, ...dparImages },
    llamaGen: { ...llamaGenModel, training: llamaGen.result, ...llamaGenImages },
    linearMacs,
    matmulMacs,
    labels,
  };
}
