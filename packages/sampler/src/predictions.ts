import {
  type DynamicAxes,
  float32,
  type HostTensor,
  int32,
  named,
  type Ops,
  type Random,
  type Tensors,
} from '@dpar/tensor';
import { chooseToken, mostLikely } from './choose.js';
import { guidanceAt, isGuided } from './guidance.js';
import { type SampleOptions, streamOf } from './options.js';

/** Predictions of the next token of some images. N images, V tokens of vocabulary. */
export interface Predictions {
  /** Guided logits [N, V]. */
  readonly logits: Float32Array;
  /** Their softmax at the temperature of the run, [N, V]. */
  readonly probabilities: Float32Array;
}

const images = { 0: 'images' };

/** Open axes of the inputs of {@link predictionOutputs}. */
export const predictionAxes: DynamicAxes = { scale: images, conditionalRows: images, nullRows: images };

/** Names of the outputs of {@link predictionOutputs}. */
export const predictionResults = ['logits', 'probabilities'] as const;

/**
 * Guided logits and probabilities, as outputs.
 * @param logits [R, V]: without guidance of the images, else of their conditional rows and their null rows
 */
export function predictionOutputs<T>(ops: Ops<T>, inputs: Tensors<T>, logits: T): Record<string, T> {
  const guided = guidedLogits(ops, inputs, logits); // [N, V]
  const probabilities = ops.softmax(ops.mul(guided, named(inputs, 'inverseTemperature')));
  return { logits: guided, probabilities };
}

/** Classifier-free guidance: scale * conditional + (1 - scale) * null. */
function guidedLogits<T>(ops: Ops<T>, { scale, conditionalRows, nullRows }: Tensors<T>, logits: T): T {
  if (scale === undefined || conditionalRows === undefined || nullRows === undefined) return logits;
  const [conditional, unconditional] = [ops.takeRows(logits, conditionalRows), ops.takeRows(logits, nullRows)];
  return ops.add(ops.mul(conditional, scale), ops.mul(unconditional, ops.sub(1, scale)));
}

/** Reads the outputs of {@link predictionOutputs} for N images. Rows after them fill a step up. */
export function predictionsOf(outputs: Tensors<HostTensor>, N: number): Predictions {
  const of = (name: string): Float32Array => {
    const { data, shape } = named(outputs, name);
    return (data as Float32Array).subarray(0, N * (shape[1] ?? 0));
  };
  return { logits: of('logits'), probabilities: of('probabilities') };
}

/** Draws the next tokens of the images of a generation. */
export class TokenDraws {
  /** Random streams of the images that were drawn so far. */
  private readonly streams: Random[] = [];

  /** @param positions Tokens T of an image. */
  constructor(
    private readonly options: SampleOptions,
    private readonly positions: number,
  ) {}

  /**
   * Inputs of {@link predictionOutputs}. Rows of an image are its conditional one and, with guidance, its null row.
   * @param at Position of each image, [N].
   */
  inputs(at: ArrayLike<number>): Record<string, HostTensor> {
    const inverseTemperature = float32([], [1 / (this.options.temperature ?? 1)]);
    if (!isGuided(this.options)) return { inverseTemperature };
    const N = at.length;
    const scales = Array.from(at, (position) => guidanceAt(this.options, position, this.positions));
    return {
      inverseTemperature,
      scale: float32([N, 1], scales),
      conditionalRows: int32(
        [N],
        Int32Array.from(scales, (_, i) => 2 * i),
      ),
      nullRows: int32(
        [N],
        Int32Array.from(scales, (_, i) => 2 * i + 1),
      ),
    };
  }

  /**
   * Draws a token for each of some images by the decoding options.
   * @param images Number of each image in `labels`, [N].
   * @param at Position of each image, [N].
   */
  draw({ logits, probabilities }: Predictions, images: ArrayLike<number>, at: ArrayLike<number>): Int32Array {
    const { greedy, topK = 0, topP = 1 } = this.options;
    const V = logits.length / images.length;
    return Int32Array.from({ length: images.length }, (_, i) => {
      const image = images[i] as number;
      const [begin, end] = [i * V, (i + 1) * V];
      if (greedy) return mostLikely(logits.subarray(begin, end));
      const stream = this.streams[image] ?? streamOf(this.options, image);
      this.streams[image] = stream;
      return chooseToken(probabilities.subarray(begin, end), { topK, topP }, stream.fork(at[i] as number));
    });
  }
}
