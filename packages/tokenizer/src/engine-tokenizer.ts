import {
  DparError,
  type Engine,
  formatType,
  type HostTensor,
  type HostTensorOf,
  hostTensor,
  named,
  type Ops,
  type Tensors,
} from '@dpar/tensor';
import { gridOf, gridOfImages } from './codes.js';
import type { ImageTokenizer } from './tokenizer-kind.js';

/** A compiled function of one tensor. */
export interface Stage<I extends HostTensor, O extends HostTensor> {
  run(x: I): Promise<O>;
  dispose(): Promise<void>;
}

/** Compiles a function of one tensor [B, ...] and the parameters, for any B. */
export function compileStage<I extends HostTensor, O extends HostTensor>(
  engine: Engine,
  parameters: Tensors<HostTensor>,
  fn: <T>(ops: Ops<T>, parameters: Tensors<T>, x: T) => T,
): Stage<I, O> {
  const compiled = engine.compile((ops, inputs) => ({ y: fn(ops, inputs, named(inputs, 'x')) }), {
    constants: parameters,
    // The last images of a batch may be fewer.
    dynamicAxes: { x: { 0: 'images' } },
  });
  return {
    run: async (x) => named(await compiled.run({ x }), 'y') as O,
    dispose: () => compiled.dispose(),
  };
}

/** Images, or states of a network that makes codes of them. */
export type Pixels = HostTensorOf<'float32'>;
/** Codes. */
export type Codes = HostTensorOf<'int32'>;

/** Parts of a tokenizer. */
export interface TokenizerParts extends Pick<ImageTokenizer, 'codebookSize' | 'factor' | 'imageSize' | 'dispose'> {
  /** Encodes images [B, 3, H, W] as codes [B, T]. */
  encode(images: Pixels): Promise<Codes>;
  /** Decodes codes [B, rows, columns] to images [B, 3, H, W]. */
  decode(codes: Codes): Promise<Pixels>;
  /** Maximum pixels of one call, which bounds its memory. A call takes at least one image. */
  readonly pixelsPerCall: number;
}

/** Makes a tokenizer of its parts: checks inputs, and runs some images at a time. */
export function engineTokenizer({ pixelsPerCall, ...parts }: TokenizerParts): ImageTokenizer {
  const { codebookSize, factor, imageSize } = parts;
  return {
    codebookSize,
    factor,
    imageSize,
    gridSize: imageSize / factor,
    async encode(images) {
      checkImages(images);
      const { rows, columns } = gridOfImages('encode', images.shape, factor);
      const [B = 0, , height = 0, width = 0] = images.shape;
      const codes = hostTensor('int32', [B, rows * columns]);
      await inChunks(images, codes, Math.floor(pixelsPerCall / (height * width)), (part) => parts.encode(part));
      return codes;
    },
    async decode(codes) {
      checkCodes(codes, codebookSize);
      const { rows, columns } = gridOf('decode', codes.shape);
      const [B = 0] = codes.shape;
      const images = hostTensor('float32', [B, 3, rows * factor, columns * factor]);
      const grids: Codes = { dtype: 'int32', shape: [B, rows, columns], data: codes.data };
      const imagesPerCall = Math.floor(pixelsPerCall / (rows * columns * factor ** 2));
      await inChunks(grids, images, imagesPerCall, (part) => parts.decode(part));
      return images;
    },
    dispose: () => parts.dispose(),
  };
}

function checkImages(images: HostTensor): void {
  if (images.dtype === 'float32') return;
  throw new DparError(
    `encode: expected images float32[B, 3, H, W], got ${images.dtype ?? 'no tensor'}. Make them with imagesFromBytes.`,
  );
}

function checkCodes(codes: HostTensor, codebookSize: number): void {
  if (codes.dtype !== 'int32') {
    const got = codes.dtype === undefined ? 'no tensor' : formatType(codes);
    throw new DparError(`decode: expected codes of type int32, got ${got}. Make them with int32 of @dpar/tensor.`);
  }
  const outside = codes.data.find((code) => code < 0 || code >= codebookSize);
  if (outside === undefined) return;
  throw new DparError(
    `decode: expected codes in 0..${codebookSize - 1}, got ${outside}. Use the tokenizer that they were made with.`,
  );
}

/** Runs a function on some rows of the first axis at a time, and collects its outputs in `target`. */
async function inChunks<I extends Pixels | Codes>(
  source: I,
  target: HostTensor,
  rowsPerCall: number,
  run: (part: I) => Promise<HostTensor>,
): Promise<void> {
  const [B = 0, ...rest] = source.shape;
  const width = source.data.length / Math.max(1, B);
  const targetWidth = target.data.length / Math.max(1, B);
  const chunk = Math.max(1, rowsPerCall);
  for (let start = 0; start < B; start += chunk) {
    const rows = Math.min(chunk, B - start);
    const data = source.data.subarray(start * width, (start + rows) * width);
    const output = await run({ ...source, shape: [rows, ...rest], data });
    target.data.set(output.data, start * targetWidth);
  }
}
