import { calibrateThreshold, pearsonCorrelation } from '@dpar/entropy';
import { type DparConfig, isReadByHead, patchingOptions } from '@dpar/model';
import { architectureArgument, entropySourceOf, type ImageArchitecture } from '@dpar/nn';
import { type PatchingOptions, writePatchLengths } from '@dpar/patchify';
import { type DeviceTensor, type Engine, float32, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { type TokenSet, takeRows } from '../batches/token-set.js';
import { missingEntropies, sourceOf, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';

/** Agreement of a boundary head with given entropies over some images. */
export interface BoundaryValidation {
  /** Mean squared error of the predicted entropies, nats^2. */
  readonly loss: number;
  /** Pearson's correlation of predicted and given entropies; NaN if one of the two is constant. */
  readonly correlation: number;
  /** Share of the tokens 1 to T - 1 that start a patch by both entropies, or by neither, each by its own threshold. */
  readonly agreement: number;
  /**
   * Threshold of the predicted entropies in nats at which patches are as long, on average, as those of the given entropies at
   * the model's `patching.threshold`.
   */
  readonly threshold: number;
}

/** Compares a boundary head with given entropies. */
export interface BoundaryValidator {
  /**
   * @param parameters Those that the head reads, and any others.
   * @param set Images with entropies. Of images with variants, the first one counts.
   * @param most Largest number of images, evenly spread over the set (default: all).
   * @throws DparError if the set has no entropies.
   */
  measure(
    parameters: Tensors<HostTensor | DeviceTensor>,
    set: TokenSet | TokenSource,
    most?: number,
  ): Promise<BoundaryValidation>;
  dispose(): Promise<void>;
}

/** Number of images at a time. The result does not depend on it. */
const batchSize = 16;

/** Creates a validator of a model's boundary head. @throws DparError for a model without one. */
export function createBoundaryValidator(engine: Engine, model: ImageArchitecture): BoundaryValidator {
  checkArguments('createBoundaryValidator', { engine, model }, { engine: 'Engine', model: architectureArgument });
  const { config } = model;
  const head = entropySourceOf('createBoundaryValidator', model);
  const compiled = engine.compile((ops, inputs) => ({ entropies: head.entropies(ops, config, inputs) }), {
    // The threshold is that of the entropies that sampling computes.
    batchInvariant: true,
  });
  return {
    async measure(parameters, set, most) {
      const source = sourceOf(set);
      if (!source.hasEntropies) throw missingEntropies('createBoundaryValidator');
      const read = Object.fromEntries(Object.entries(parameters).filter(([name]) => isReadByHead(name)));
      const images = spread(source.images, most ?? source.images);
      const predicted = float32([images.length, source.tokensPerImage - 1]);
      const given = float32(predicted.shape);
      const width = source.tokensPerImage - 1;
      for (let start = 0; start < images.length; start += batchSize) {
        const count = Math.min(batchSize, images.length - start);
        const batch = await source.load(images.subarray(start, start + count), new Int32Array(count));
        // The last batch is padded, so that one graph serves all batches.
        const rows = Int32Array.from({ length: batchSize }, (_, i) => Math.min(i, count - 1));
        const outputs = await compiled.run({ ...read, tokens: takeRows(batch.tokens, rows) });
        predicted.data.set(named(outputs, 'entropies').data.subarray(0, count * width), start * width);
        given.data.set(batch.entropies?.data ?? [], start * width);
      }
      return compare(config as DparConfig, predicted, given);
    },
    dispose: () => compiled.dispose(),
  };
}

/** Numbers of at most `most` images of a set, evenly spread, with the first and the last. */
function spread(images: number, most: number): Int32Array {
  const count = Math.min(most, images);
  const last = Math.max(1, count - 1);
  return Int32Array.from({ length: count }, (_, i) => Math.floor((i * (images - 1)) / last));
}

/** @param predicted [N, T - 1] @param given [N, T - 1] */
function compare(config: DparConfig, predicted: HostTensor, given: HostTensor): BoundaryValidation {
  const patching = patchingOptions(config);
  const [images = 0, width = 0] = given.shape;
  const tokens = images * (width + 1 + (patching.endOfImage ? 1 : 0));
  const expected = patchStarts(given, patching);
  const threshold = thresholdFor(tokens / expected.patches, predicted, patching);
  const actual = patchStarts(predicted, { ...patching, threshold });
  const [a, b] = [predicted.data as Float32Array, given.data as Float32Array];
  const squares = a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0);
  const same = actual.starts.reduce((sum, start, i) => sum + (start === expected.starts[i] ? 1 : 0), 0);
  return {
    loss: squares / a.length,
    correlation: pearsonCorrelation(a, b),
    agreement: same / a.length,
    threshold,
  };
}

/**
 * Threshold for a mean patch length. It is that of the patching rule if that gives this length, as it does where the given
 * entropies are the head's own.
 */
function thresholdFor(mean: number, predicted: HostTensor, patching: PatchingOptions): number {
  const { threshold, maxPatchLength = null, rowLength = null, endOfImage = false } = patching;
  const [images = 0, width = 0] = predicted.shape;
  const tokens = images * (width + 1 + (endOfImage ? 1 : 0));
  if (typeof threshold === 'number' && tokens / patchStarts(predicted, patching).patches === mean) return threshold;
  const options = { targetMeanPatchLength: mean, maxPatchLength, rowLength, endOfImage };
  return calibrateThreshold(predicted, options).threshold;
}

/** Flags of the tokens 1 to T - 1 that start a patch [N, T - 1], and the number of patches of all images. */
function patchStarts({ shape, data }: HostTensor, patching: PatchingOptions): { starts: Uint8Array; patches: number } {
  const [images = 0, width = 0] = shape;
  const starts = new Uint8Array(images * width);
  const lengths = new Int32Array(width + 2);
  let patches = 0;
  for (let image = 0; image < images; image++) {
    const entropies = (data as Float32Array).subarray(image * width, (image + 1) * width);
    const count = writePatchLengths(lengths, entropies, patching);
    patches += count;
    let token = 0;
    for (const length of lengths.subarray(0, count)) {
      // Token 0 has no flag, and neither has the token that ends the image.
      if (token > 0 && token <= width) starts[image * width + token - 1] = 1;
      token += length;
    }
  }
  return { starts, patches };
}
