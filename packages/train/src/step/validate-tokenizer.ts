import { type FeatureNetwork, type FeatureStatistics, frechetDistance, StatisticsAccumulator } from '@dpar/eval';
import {
  type CompiledFunction,
  type Engine,
  type HostTensor,
  type HostTensorOf,
  named,
  type Tensors,
} from '@dpar/tensor';
import {
  bytesFromImages,
  structuralSimilarity,
  type TokenizerArchitecture,
  type TokenizerLoss,
  validationTerms,
} from '@dpar/tokenizer';
import { type PictureBatch, type PictureSource, picturesToImages } from '../batches/pictures.js';

/** Quality of the pictures that a tokenizer reproduces. */
export interface TokenizerValidation {
  /** Weighted sum of all terms but the adversarial one. */
  readonly loss: number;
  /** Peak signal-to-noise ratio over all pixels, in dB. */
  readonly psnr: number;
  /** Structural similarity, mean over the pictures; NaN for pictures of fewer than 11 pixels. */
  readonly ssim: number;
  /** Number of codes that occur. */
  readonly codesInUse: number;
  /** Number of pictures. */
  readonly images: number;
  /** Fréchet distance of the features of the pictures and of their reconstructions (rFID); with a feature network only. */
  readonly fid?: number;
}

/** Measures a tokenizer on pictures. It compiles the forward pass, with all parameters as inputs. */
export interface TokenizerValidator {
  measure(parameters: Tensors<HostTensor>, pictures: PictureSource): Promise<TokenizerValidation>;
  dispose(): Promise<void>;
}

/** Smallest width of a picture that has a structural similarity, in pixels. */
const smallestSide = 11;

/** Creates a validator of tokenizers. @param network Feature network for rFID. */
export function createTokenizerValidator(
  engine: Engine,
  model: TokenizerArchitecture,
  loss: TokenizerLoss,
  network?: FeatureNetwork,
): TokenizerValidator {
  const compiled: CompiledFunction = engine.compile((ops, { image, ...parameters }) => {
    const images = image as never;
    const { decoded, ...terms } = validationTerms(ops, model, loss, parameters, images);
    const clipped = ops.minimum(ops.maximum(decoded, -1), 1);
    const side = ops.shapeOf(images)[3] ?? 0;
    return {
      ...terms,
      ...(network && { decoded }),
      squares: ops.mean(ops.square(ops.sub(clipped, images))),
      ...(side >= smallestSide && { ssim: ops.mean(structuralSimilarity(ops, clipped, images)) }),
    };
  });
  // The same pictures are measured again and again.
  const originals = new WeakMap<PictureSource, FeatureStatistics>();
  return {
    async measure(parameters, pictures) {
      const sums = { loss: 0, squares: 0, ssim: 0 };
      const used = new Set<number>();
      const known = originals.get(pictures);
      const features = network && { of: known ? undefined : new Features(network), decoded: new Features(network) };
      for (let step = 0, done = 0; done < pictures.images; step++) {
        const images = wholeBatch(await pictures.batch(step), pictures.images - done);
        const count = images.shape[0] ?? 0;
        const outputs = await compiled.run({ ...parameters, image: images });
        for (const name of ['loss', 'squares', 'ssim'] as const) {
          sums[name] += (count / pictures.images) * (outputs[name]?.data[0] ?? Number.NaN);
        }
        for (const code of named(outputs, 'codes').data) used.add(code);
        await features?.of?.add(images);
        await features?.decoded.add(named(outputs, 'decoded') as HostTensorOf<'float32'>);
        done += count;
      }
      const found = {
        loss: sums.loss,
        psnr: 10 * Math.log10(4 / sums.squares),
        ssim: sums.ssim,
        codesInUse: used.size,
        images: pictures.images,
      };
      if (features === undefined) return found;
      const statistics = known ?? (features.of as Features).finish();
      originals.set(pictures, statistics);
      return { ...found, fid: frechetDistance(statistics, features.decoded.finish()).distance };
    },
    dispose: () => compiled.dispose(),
  };
}

/** Statistics of the features of images that arrive in batches. */
class Features {
  private accumulator: StatisticsAccumulator | undefined;

  constructor(private readonly network: FeatureNetwork) {}

  /** Adds images [B, 3, S, S], as their nearest bytes. */
  async add(images: HostTensorOf<'float32'>): Promise<void> {
    const [count = 0, , height = 0, width = 0] = images.shape;
    const bytes = bytesFromImages(images);
    const size = bytes.length / count;
    const pictures = Array.from({ length: count }, (_, i) => ({
      width,
      height,
      data: bytes.subarray(i * size, (i + 1) * size),
    }));
    const { pool } = await this.network.extract(pictures);
    this.accumulator ??= new StatisticsAccumulator(pool.columns);
    this.accumulator.add(pool);
  }

  /** @throws DparError for fewer than two images. */
  finish(): FeatureStatistics {
    return (this.accumulator ?? new StatisticsAccumulator(1)).finish();
  }
}

/** Pictures of a batch as a model reads them, at most `count`: those after the last of the epoch belong to the next. */
function wholeBatch({ images, pixels }: PictureBatch, count: number): HostTensorOf<'float32'> {
  const kept = Math.min(count, images.length);
  return picturesToImages({
    images: images.subarray(0, kept),
    pixels: pixels.subarray(0, (pixels.length / images.length) * kept),
  });
}
