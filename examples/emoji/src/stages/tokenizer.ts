import {
  createRandom,
  type Engine,
  float32,
  type HostTensor,
  type HostTensorOf,
  hostTensor,
  named,
  valueAndGradients,
} from '@dpar/tensor';
import {
  createPatchVq,
  fitCodebook,
  type ImageTokenizer,
  imagesFromBytes,
  initializePatchVq,
  type PatchVqConfig,
  patchesOfImages,
  patchVqLoss,
  patchVqTrainable,
  patchWidthOf,
} from '@dpar/tokenizer';
import { AdamW, cosineSchedule } from '@dpar/train';
import { imageAt, imageSize } from '../emoji.js';
import type { Progress } from '../progress.js';

/** How the tokenizer is fitted. */
export interface TokenizerSettings {
  readonly config: PatchVqConfig;
  /** Images whose patches the codebook is made of. */
  readonly codebookImages: number;
  /** Rounds of k-means. */
  readonly iterations: number;
  /** Steps of the decoder's training. */
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
}

/** Some images as the engine reads them: [B, 3, 64, 64]. */
export function imagesAt(pixels: Uint8Array, indices: ArrayLike<number>): HostTensorOf<'float32'> {
  const length = 3 * imageSize * imageSize;
  const bytes = new Uint8Array(indices.length * length);
  for (let i = 0; i < indices.length; i++) bytes.set(imageAt(pixels, indices[i] as number), i * length);
  return imagesFromBytes(bytes, imageSize);
}

/** A codebook by k-means over patches of some images; its first code is blank (white). */
export async function makeCodebook(
  engine: Engine,
  pixels: Uint8Array,
  { config, codebookImages, iterations }: TokenizerSettings,
  seed: number,
  progress: Progress,
): Promise<HostTensorOf<'float32'>> {
  const width = patchWidthOf(config);
  const all = createRandom(seed, 1).permutation(pixels.length / (3 * imageSize * imageSize));
  const images = imagesAt(pixels, all.subarray(0, codebookImages));
  const cut = engine.compile((ops, inputs) => ({
    patches: patchesOfImages(ops, named(inputs, 'images'), config.patchSize),
  }));
  const { data } = named(await cut.run({ images }), 'patches');
  await cut.dispose();
  return fitCodebook(engine, float32([data.length / width, width], data), {
    codes: config.codebookSize,
    seed,
    iterations,
    pinned: float32([1, width], new Float32Array(width).fill(1)),
    onIteration: (done, error) => progress.update(done, `${toDecibel(error).toFixed(2)} dB besides blank patches`),
  });
}

/** PSNR in dB of a mean squared error of pixels in -1..1. */
function toDecibel(meanSquaredError: number): number {
  return 10 * Math.log10(4 / meanSquaredError);
}

/** Trains the decoder on images and their codes: mean squared error, AdamW. */
export async function trainDecoder(
  engine: Engine,
  pixels: Uint8Array,
  codebook: HostTensorOf<'float32'>,
  { config, steps, batchSize, learningRate }: TokenizerSettings,
  seed: number,
  progress: Progress,
): Promise<Record<string, HostTensor>> {
  const parameters = initializePatchVq(config, codebook, seed);
  const by = patchVqTrainable(config);
  const codes = await encodeAll(createPatchVq(engine, config, parameters), pixels);
  const tokens = codes.shape[1] ?? 0;
  const step = engine.compile((ops, inputs) => {
    const { outputs, gradients } = valueAndGradients(
      ops,
      (tapeOps, all) => ({
        loss: patchVqLoss(tapeOps, config, all, named(all, 'codes'), named(all, 'images')),
      }),
      inputs,
      { of: 'loss', by },
    );
    return { loss: named(outputs, 'loss'), ...gradients };
  });
  const optimizer = new AdamW(Object.fromEntries(by.map((name) => [name, named(parameters, name)])), {
    betas: [0.9, 0.99],
    weightDecay: 0,
  });
  const schedule = cosineSchedule({ learningRate, steps, warmupSteps: Math.min(20, steps - 1) });
  const random = createRandom(seed, 2);
  let order: Int32Array = new Int32Array(0);
  let smoothed = Number.NaN;
  for (let done = 0; done < steps; done++) {
    if (order.length < batchSize) order = random.permutation(codes.shape[0] ?? 0);
    const batch = order.subarray(0, batchSize);
    order = order.subarray(batchSize);
    const batchCodes = hostTensor('int32', [batch.length, tokens]);
    batch.forEach((image, i) => {
      batchCodes.data.set(codes.data.subarray(image * tokens, (image + 1) * tokens), i * tokens);
    });
    const outputs = await step.run({ ...parameters, codes: batchCodes, images: imagesAt(pixels, batch) });
    optimizer.update(outputs, { learningRate: schedule(done) });
    const loss = named(outputs, 'loss').data[0] as number;
    smoothed = done === 0 ? loss : 0.95 * smoothed + 0.05 * loss;
    progress.update(done + 1, `${toDecibel(smoothed).toFixed(2)} dB`);
  }
  await step.dispose();
  return parameters;
}

/** Codes of all images: int32 [N, T]. */
export async function encodeAll(tokenizer: ImageTokenizer, pixels: Uint8Array): Promise<HostTensorOf<'int32'>> {
  const images = pixels.length / (3 * imageSize * imageSize);
  const tokens = tokenizer.gridSize ** 2;
  const codes = hostTensor('int32', [images, tokens]);
  const chunk = 256;
  for (let start = 0; start < images; start += chunk) {
    const indices = Int32Array.from({ length: Math.min(chunk, images - start) }, (_, i) => start + i);
    codes.data.set((await tokenizer.encode(imagesAt(pixels, indices))).data, start * tokens);
  }
  return codes;
}
