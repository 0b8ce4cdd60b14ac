import { type PatchingOptions, patchLengths } from '@dpar/patchify';
import { type createRandom, type Engine, float32, type HostTensorOf, hostTensor, named } from '@dpar/tensor';
import {
  type ImageTokenizer,
  imagesFromBytes,
  type PatchVqConfig,
  patchesOfImages,
  patchWidthOf,
} from '@dpar/tokenizer';
import { imageAt, imageSize } from './images.js';

/** Images of a tokenizer's call. */
const chunk = 256;

/** Some images of [N, 64, 64, 3] as the engine reads them: [B, 3, 64, 64]. */
export function imagesAt(pixels: Uint8Array, indices: ArrayLike<number>): HostTensorOf<'float32'> {
  const length = 3 * imageSize * imageSize;
  const bytes = new Uint8Array(indices.length * length);
  for (let i = 0; i < indices.length; i++) bytes.set(imageAt(pixels, indices[i] as number), i * length);
  return imagesFromBytes(bytes, imageSize);
}

/** Rows of a matrix: [N, T] -> [B, T]. */
export function rowsAt({ shape, data }: HostTensorOf<'int32'>, indices: Int32Array): HostTensorOf<'int32'> {
  const [, T = 0] = shape;
  const rows = hostTensor('int32', [indices.length, T]);
  indices.forEach((row, i) => {
    rows.data.set(data.subarray(row * T, (row + 1) * T), i * T);
  });
  return rows;
}

/** Codes of images [N, S, S, 3]: int32 [N, T]. */
export async function encodeAll(
  tokenizer: ImageTokenizer,
  pixels: Uint8Array,
  size = tokenizer.imageSize,
): Promise<HostTensorOf<'int32'>> {
  const tokens = ((tokenizer.gridSize * size) / tokenizer.imageSize) ** 2;
  const bytes = 3 * size * size;
  const codes = hostTensor('int32', [pixels.length / bytes, tokens]);
  for (let start = 0; start * bytes < pixels.length; start += chunk) {
    const images = imagesFromBytes(pixels.subarray(start * bytes, (start + chunk) * bytes), size);
    codes.data.set((await tokenizer.encode(images)).data, start * tokens);
  }
  return codes;
}

/** All patches of images [B, 3, 64, 64]: [B T, C], from which a codebook is fitted. */
export async function patchesAt(
  engine: Engine,
  config: PatchVqConfig,
  images: HostTensorOf<'float32'>,
): Promise<HostTensorOf<'float32'>> {
  const width = patchWidthOf(config);
  const cut = engine.compile((ops, inputs) => ({
    patches: patchesOfImages(ops, named(inputs, 'images'), config.patchSize),
  }));
  const { data } = named(await cut.run({ images }), 'patches');
  await cut.dispose();
  return float32([data.length / width, width], data);
}

/** Patch lengths of each image. @param entropies [N, T - 1] in nats. */
export function patchesOf({ shape, data }: HostTensorOf<'float32'>, options: PatchingOptions): Int32Array[] {
  const [N = 0, predicted = 0] = shape;
  return Array.from({ length: N }, (_, i) => patchLengths(data.subarray(i * predicted, (i + 1) * predicted), options));
}

/** Endless batches of indices of N images: each pass is a new permutation, whose incomplete last batch is left out. */
export function* randomBatches(
  N: number,
  batchSize: number,
  random: ReturnType<typeof createRandom>,
): Generator<Int32Array, never> {
  for (let order: Int32Array = new Int32Array(0); ; order = order.subarray(batchSize)) {
    if (order.length < batchSize) order = random.permutation(N);
    yield order.subarray(0, batchSize);
  }
}
