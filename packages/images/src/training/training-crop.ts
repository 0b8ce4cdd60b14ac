import { centerSquare, cutSquare, fittedSquare, halve, mirrored, withShorterSide } from '../crop/squares.js';
import type { Rgb, RgbImage } from '../image-set.js';
import { randomStream } from './random-stream.js';

/** Square of a picture for training. */
export interface TrainingCrop {
  /** Width and height of the square in pixels, S. */
  readonly size: number;
  /**
   * `center`: the square in the middle, as `dpar tokenize` crops. `random`: a square of a random size at a random place, as ADM
   * and LlamaGen train tokenizers. `fit`: the whole picture on a square of the background.
   */
  readonly crop: 'center' | 'random' | 'fit';
  /** Smallest and largest width of a random square, in shorter sides of the picture. */
  readonly scales: readonly [smallest: number, largest: number];
  /** Mirrors half of the pictures, chosen anew in each epoch. */
  readonly flip: boolean;
  /** Colour behind transparent pixels and beside fitted pictures. */
  readonly background: Rgb;
  readonly seed: number;
}

/** Words of random numbers of each picture. An epoch takes four at most, but for very rare repetitions. */
const wordsPerPicture = 8;

/** Shorter sides of a picture for which a random square has its smallest and its largest scale. */
function sidesOf({ size, scales: [smallest, largest] }: TrainingCrop): [low: number, high: number] {
  return [Math.ceil(size / largest), Math.ceil(size / smallest)];
}

/** The part of the work on a picture that is the same in all epochs. Its result is small, so it can be kept. */
export function reducePicture(picture: RgbImage, crop: TrainingCrop): RgbImage {
  if (crop.crop === 'center') return centerSquare(picture, crop.size);
  if (crop.crop === 'fit') return fittedSquare(picture, crop.size, crop.background);
  return halve(picture, sidesOf(crop)[1], Math.min);
}

/**
 * The square of a picture in an epoch: a function of the seed, the epoch and the number of the picture. A random square is that of
 * ADM's `random_crop_arr`: the shorter side is resized to a random length from S / largest scale to S / smallest scale, and a square
 * of S pixels is cut out at a random place.
 * @param reduced Result of {@link reducePicture}.
 */
export function squareOfEpoch(reduced: RgbImage, crop: TrainingCrop, epoch: number, image: number): RgbImage {
  const random = randomStream(crop.seed, 'imageCrop', epoch);
  random.position = wordsPerPicture * image;
  const isMirrored = crop.flip && random.integer(2) === 1;
  let square = reduced;
  if (crop.crop === 'random') {
    const [low, high] = sidesOf(crop);
    const resized = withShorterSide(reduced, low + random.integer(high - low + 1));
    const top = random.integer(resized.height - crop.size + 1);
    square = cutSquare(resized, top, random.integer(resized.width - crop.size + 1), crop.size);
  }
  return isMirrored ? mirrored(square) : square;
}
