import { checkParameters, type ParameterSpecs } from '@dpar/nn';
import {
  DparError,
  type Engine,
  formatType,
  type HostTensor,
  hostTensor,
  named,
  type TensorFunction,
  type Tensors,
} from '@dpar/tensor';
import { gridOf, gridOfImages } from './grid.js';
import type { ImageTokenizer } from './image-tokenizer.js';

/** What a tokenizer is made of. */
export interface TokenizerParts {
  readonly codebookSize: number;
  readonly factor: number;
  readonly imageSize: number;
  readonly specs: ParameterSpecs;
  readonly parameters: Tensors<HostTensor>;
  /** From `image` [B, 3, H, W] and the parameters to `codes` [B, T]. */
  readonly encode: TensorFunction;
  /** From `codes` [B, rows, columns] and the parameters to `image` [B, 3, H, W]. */
  readonly decode: TensorFunction;
  /** Pixels that one call of the engine takes, at least an image: what bounds its memory. */
  readonly pixelsPerCall: number;
}

/**
 * A tokenizer that runs on an engine.
 * @throws DparError if the parameters are not those that it needs.
 */
export function engineTokenizer(engine: Engine, parts: TokenizerParts): ImageTokenizer {
  const { codebookSize, factor, imageSize, specs, parameters, pixelsPerCall } = parts;
  checkParameters(specs, parameters);
  // The last images may be fewer: they need no graph of their own.
  const compile = (fn: TensorFunction, input: string) =>
    engine.compile(fn, { constants: parameters, dynamicAxes: { [input]: { 0: 'images' } } });
  const encoder = compile(parts.encode, 'image');
  const decoder = compile(parts.decode, 'codes');

  return {
    codebookSize,
    factor,
    imageSize,
    gridSize: imageSize / factor,
    async encode(images) {
      const { rows, columns } = gridOfImages('encode', images.shape, factor);
      const [B = 0, , height = 0, width = 0] = images.shape;
      const codes = hostTensor('int32', [B, rows * columns]);
      await inChunks(images, codes, Math.floor(pixelsPerCall / (height * width)), async (image) =>
        named(await encoder.run({ image }), 'codes'),
      );
      return codes;
    },
    async decode(codes) {
      checkCodes(codes, codebookSize);
      const { rows, columns } = gridOf('decode', codes.shape);
      const [B = 0] = codes.shape;
      const images = hostTensor('float32', [B, 3, rows * factor, columns * factor]);
      const grids = hostTensor('int32', [B, rows, columns], codes.data);
      await inChunks(grids, images, Math.floor(pixelsPerCall / (rows * columns * factor ** 2)), async (part) =>
        named(await decoder.run({ codes: part }), 'image'),
      );
      return images;
    },
    async dispose() {
      await encoder.dispose();
      await decoder.dispose();
    },
  };
}

function checkCodes(codes: HostTensor, codebookSize: number): void {
  if (codes.dtype !== 'int32') throw new DparError(`decode: expected codes of type int32, got ${formatType(codes)}.`);
  const outside = codes.data.find((code) => code < 0 || code >= codebookSize);
  if (outside === undefined) return;
  throw new DparError(
    `decode: expected codes in 0..${codebookSize - 1}, got ${outside}. Use the tokenizer that they were made with.`,
  );
}

/** Runs a function over the first axis, some rows at a time, and collects its outputs in `target`. */
async function inChunks(
  source: HostTensor,
  target: HostTensor,
  rowsPerCall: number,
  run: (part: HostTensor) => Promise<HostTensor>,
): Promise<void> {
  const [B = 0, ...rest] = source.shape;
  const width = source.data.length / Math.max(1, B);
  const targetWidth = target.data.length / Math.max(1, B);
  const chunk = Math.max(1, rowsPerCall);
  for (let start = 0; start < B; start += chunk) {
    const rows = Math.min(chunk, B - start);
    const part = source.data.subarray(start * width, (start + rows) * width);
    const output = await run(hostTensor(source.dtype, [rows, ...rest], part));
    target.data.set(output.data, start * targetWidth);
  }
}
