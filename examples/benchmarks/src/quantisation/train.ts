import { calibrateThreshold, type EntropyModelConfig } from '@dpar/entropy';
import { type DparConfig, dparPreset, llamaGenPreset, presets } from '@dpar/model';
import type { Engine, HostTensor, Tensors } from '@dpar/tensor';
import {
  cosineSchedule,
  entropiesOfSet,
  initializeNarrow,
  type TokenSet,
  type TrainableModel,
  Trainer,
  trainableDpar,
  trainableEntropyModel,
  trainableLlamaGen,
} from '@dpar/train';
import { type EmojiTokens, vocabSize } from './emoji-tokens.js';

/** A trained model, and its validation images. */
export interface Trained {
  readonly model: TrainableModel;
  readonly parameters: Tensors<HostTensor>;
  readonly validation: TokenSet;
}

const batchSize = 8;

/** Widths are multiples of 128, the block size of quantised weights. */
const multipleOf = 128;

/** Trains a small LlamaGen for about a minute. */
export async function trainLlamaGen(engine: Engine, { classes, train, validation }: EmojiTokens): Promise<Trained> {
  const config = llamaGenPreset(presets.nano, { vocabSize, numClasses: classes, multipleOf });
  return { ...(await fit(engine, trainableLlamaGen(config), train, 400)), validation };
}

/** Trains a small entropy model, and then a small DPAR on its patches, for about a minute. */
export async function trainDpar(engine: Engine, { classes, train, validation }: EmojiTokens): Promise<Trained> {
  const preset = dparPreset(presets.nano, { vocabSize, numClasses: classes, multipleOf });
  const entropyConfig: EntropyModelConfig = {
    ...llamaGenPreset(presets.nano, { vocabSize, numClasses: classes, multipleOf }),
    nLayer: 1,
    clsTokenNum: 0,
  };
  const { parameters } = await fit(engine, trainableEntropyModel(entropyConfig), train, 200);
  const withEntropies = async (set: TokenSet) => ({
    ...set,
    entropies: await entropiesOfSet(engine, entropyConfig, parameters, set),
  });
  const trainSet = await withEntropies(train);
  const { maxPatchLength, rowLength } = preset.patching;
  const { threshold } = calibrateThreshold(trainSet.entropies, {
    targetMeanPatchLength: 1.81,
    maxPatchLength,
    rowLength,
  });
  const config: DparConfig = { ...preset, patching: { ...preset.patching, threshold } };
  const model = trainableDpar(config);
  return { ...(await fit(engine, model, trainSet, 400)), validation: await withEntropies(validation) };
}

async function fit(
  engine: Engine,
  model: TrainableModel,
  data: TokenSet,
  steps: number,
): Promise<Pick<Trained, 'model' | 'parameters'>> {
  const parameters = initializeNarrow(model.specs, 1);
  const schedule = cosineSchedule({ learningRate: 4e-3, steps, warmupSteps: 40, finalFraction: 0.05 });
  const trainer = new Trainer({
    engine,
    model,
    parameters,
    data,
    steps,
    batchSize,
    schedule,
    seed: 1,
    windowBatches: 4,
  });
  for await (const _ of trainer.run()) {
    // Only the parameters are of interest.
  }
  await trainer.dispose();
  return { model, parameters };
}
