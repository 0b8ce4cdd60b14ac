import { calibrateThreshold, type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import { type DparConfig, dparKind, dparPreset, llamaGenKind, llamaGenPreset, presets } from '@dpar/model';
import type { ImageArchitecture, ImageModel } from '@dpar/nn';
import type { Engine } from '@dpar/tensor';
import { cosineSchedule, entropiesOfSet, initializeNarrow, type TokenSet, Trainer } from '@dpar/train';
import { type EmojiTokens, vocabSize } from './emoji-tokens.js';

/** A trained model, and its validation images. */
export interface Trained {
  readonly model: ImageModel;
  readonly validation: TokenSet;
}

const batchSize = 8;

/** Widths are multiples of 128, the block size of quantised weights. */
const multipleOf = 128;

/** Trains a small LlamaGen for about a minute. */
export async function trainLlamaGen(engine: Engine, { classes, train, validation }: EmojiTokens): Promise<Trained> {
  const config = llamaGenPreset(presets.nano, { vocabSize, numClasses: classes, multipleOf });
  return { ...(await fit(engine, { kind: llamaGenKind, config }, train, 400)), validation };
}

/** Trains a small entropy model, and then a small DPAR on its patches, for about a minute. */
export async function trainDpar(engine: Engine, { classes, train, validation }: EmojiTokens): Promise<Trained> {
  const preset = dparPreset(presets.nano, { vocabSize, numClasses: classes, multipleOf });
  const entropyConfig: EntropyModelConfig = {
    ...llamaGenPreset(presets.nano, { vocabSize, numClasses: classes, multipleOf }),
    nLayer: 1,
    clsTokenNum: 0,
  };
  const { model: entropyModel } = await fit(engine, { kind: entropyKind, config: entropyConfig }, train, 200);
  const withEntropies = async (set: TokenSet) => ({
    ...set,
    entropies: await entropiesOfSet(engine, { ...entropyModel, kind: entropyKind, config: entropyConfig }, set),
  });
  const trainSet = await withEntropies(train);
  const { maxPatchLength, rowLength } = preset.patching;
  const { threshold } = calibrateThreshold(trainSet.entropies, {
    targetMeanPatchLength: 1.81,
    maxPatchLength,
    rowLength,
  });
  const config: DparConfig = { ...preset, patching: { ...preset.patching, threshold } };
  const architecture = { kind: dparKind, config };
  return { ...(await fit(engine, architecture, trainSet, 400)), validation: await withEntropies(validation) };
}

async function fit(
  engine: Engine,
  architecture: ImageArchitecture,
  data: TokenSet,
  steps: number,
): Promise<Pick<Trained, 'model'>> {
  const { kind, config } = architecture;
  const model = { kind, config, parameters: initializeNarrow(kind.specs(config), 1) };
  const schedule = cosineSchedule({ learningRate: 4e-3, steps, warmupSteps: 40, finalFraction: 0.05 });
  const trainer = new Trainer({
    engine,
    model,
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
  return { model };
}
