import {
  type CompiledFunction,
  type Engine,
  type HostTensor,
  type HostTensorOf,
  named,
  type Tensors,
} from '@dpar/tensor';
import { structuralSimilarity, type TokenizerArchitecture, type TokenizerLoss, validationTerms } from '@dpar/tokenizer';
import { type PictureBatch, type PictureSource, picturesToImages } from '../batches/pictures.js';

/** How well a tokenizer reproduces pictures. */
export interface TokenizerValidation {
  /** Weighted sum of all terms but the adversarial one. */
  readonly loss: number;
  /** Peak signal-to-noise ratio over all pixels, in dB. */
  readonly psnr: number;
  /** Structural similarity, mean over the pictures; NaN for pictures of fewer than 11 pixels. */
  readonly ssim: number;
  /** Number of codes that occur. */
  readonly codesInUse: number;
}

/** Measures a tokenizer on pictures. It compiles the forward pass, with all parameters as inputs. */
export interface TokenizerValidator {
  measure(parameters: Tensors<HostTensor>, pictures: PictureSource): Promise<TokenizerValidation>;
  dispose(): Promise<void>;
}

/** Smallest width of a picture that has a structural similarity, in pixels. */
const smallestSide = 11;

/** Creates a validator of tokenizers. */
export function createTokenizerValidator(
  engine: Engine,
  model: TokenizerArchitecture,
  loss: TokenizerLoss,
): TokenizerValidator {
  const compiled: CompiledFunction = engine.compile((ops, { image, ...parameters }) => {
    const images = image as never;
    const { decoded, ...terms } = validationTerms(ops, model, loss, parameters, images);
    const clipped = ops.minimum(ops.maximum(decoded, -1), 1);
    const side = ops.shapeOf(images)[3] ?? 0;
    return {
      ...terms,
      squares: ops.mean(ops.square(ops.sub(clipped, images))),
      ...(side >= smallestSide && { ssim: ops.mean(structuralSimilarity(ops, clipped, images)) }),
    };
  });
  return {
    async measure(parameters, pictures) {
      const sums = { loss: 0, squares: 0, ssim: 0 };
      const used = new Set<number>();
      for (let step = 0, done = 0; done < pictures.images; step++) {
        const images = wholeBatch(await pictures.batch(step), pictures.images - done);
        const count = images.shape[0] ?? 0;
        const outputs = await compiled.run({ ...parameters, image: images });
        for (const name of ['loss', 'squares', 'ssim'] as const) {
          sums[name] += (count / pictures.images) * (outputs[name]?.data[0] ?? Number.NaN);
        }
        for (const code of named(outputs, 'codes').data) used.add(code);
        done += count;
      }
      return { loss: sums.loss, psnr: 10 * Math.log10(4 / sums.squares), ssim: sums.ssim, codesInUse: used.size };
    },
    dispose: () => compiled.dispose(),
  };
}

/** Pictures of a batch as a model reads them, at most `count`: those after the last of the epoch belong to the next. */
function wholeBatch({ images, pixels }: PictureBatch, count: number): HostTensorOf<'float32'> {
  const kept = Math.min(count, images.length);
  return picturesToImages({
    images: images.subarray(0, kept),
    pixels: pixels.subarray(0, (pixels.length / images.length) * kept),
  });
}
