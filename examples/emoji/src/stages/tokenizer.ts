import type { Progress, Stages } from '@dpar/example-kit';
import { encodeAll, imageSize, imagesAt, patchesAt, randomBatches, rowsAt } from '@dpar/example-kit/emoji';
import { MovingMean } from '@dpar/report';
import { createRandom, type Engine, float32, type HostTensor, named, valueAndGradients } from '@dpar/tensor';
import {
  createTokenizer,
  fitCodebook,
  initializePatchVq,
  type PatchVqConfig,
  patchVqKind,
  patchVqLoss,
  patchVqTrainable,
} from '@dpar/tokenizer';
import { AdamW, cosineSchedule } from '@dpar/train';

/** Settings of {@link fitTokenizer}. */
export interface TokenizerSettings {
  readonly config: PatchVqConfig;
  /** Images whose patches the codebook is fitted to. */
  readonly codebookImages: number;
  /** Rounds of k-means. */
  readonly iterations: number;
  /** Steps of the decoder's training. */
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
}

/** Fits a tokenizer to images [N, 64, 64, 3]: the codebook by k-means, then the decoder by gradients. */
export async function fitTokenizer(
  engine: Engine,
  pixels: Uint8Array,
  settings: TokenizerSettings,
  seed: number,
  stages: Stages,
): Promise<Record<string, HostTensor>> {
  const { config, codebookImages, iterations, steps } = settings;
  const codebook = await stages.run('Tokenizer: codebook', iterations, async (progress) => {
    const order = createRandom(seed, 1).permutation(pixels.length / (3 * imageSize * imageSize));
    const patches = await patchesAt(engine, config, imagesAt(pixels, order.subarray(0, codebookImages)));
    return fitCodebook(engine, patches, {
      codes: config.codebookSize,
      seed,
      iterations,
      // The first code is white, the background.
      pinned: float32([1, patches.shape[1] ?? 0], new Float32Array(patches.shape[1] ?? 0).fill(1)),
      onIteration: (done, error) => progress.update(done, `${toDecibel(error).toFixed(2)} dB besides blank patches`),
    });
  });
  const parameters = initializePatchVq(config, codebook, seed);
  await stages.run('Tokenizer: decoder', steps, (progress) =>
    trainDecoder(engine, pixels, parameters, settings, seed, progress),
  );
  return parameters;
}

/** Trains the decoder in place on images and their codes: mean squared error, AdamW. */
async function trainDecoder(
  engine: Engine,
  pixels: Uint8Array,
  parameters: Record<string, HostTensor>,
  { config, steps, batchSize, learningRate }: TokenizerSettings,
  seed: number,
  progress: Progress,
): Promise<void> {
  const by = patchVqTrainable(config);
  const codes = await encodeAll(createTokenizer(engine, { kind: patchVqKind, config, parameters }), pixels); // [N, T]
  const step = engine.compile((ops, inputs) => {
    const loss: Parameters<typeof valueAndGradients>[1] = (tape, all) => ({
      loss: patchVqLoss(tape, config, all, named(all, 'codes'), named(all, 'images')),
    });
    const { outputs, gradients } = valueAndGradients(ops, loss, inputs, { of: 'loss', by });
    return { loss: named(outputs, 'loss'), ...gradients };
  });
  const trained = Object.fromEntries(by.map((name) => [name, named(parameters, name)]));
  const optimizer = new AdamW(trained, { betas: [0.9, 0.99], weightDecay: 0 });
  const schedule = cosineSchedule({ learningRate, steps, warmupSteps: Math.min(20, steps - 1) });
  const batches = randomBatches(codes.shape[0] ?? 0, batchSize, createRandom(seed, 2));
  const loss = new MovingMean(20);
  for (let done = 0; done < steps; done++) {
    const batch = batches.next().value;
    const outputs = await step.run({ ...parameters, codes: rowsAt(codes, batch), images: imagesAt(pixels, batch) });
    optimizer.update(outputs, { learningRate: schedule(done) });
    progress.update(done + 1, `${toDecibel(loss.add(named(outputs, 'loss').data[0] as number)).toFixed(2)} dB`);
  }
  await step.dispose();
}

/** PSNR in dB of a mean squared error of pixels in -1..1. */
const toDecibel = (meanSquaredError: number): number => 10 * Math.log10(4 / meanSquaredError);
