import { linear, type ParameterSpec, type ParameterSpecs, zeros } from '@dpar/nn';
import { named, type Ops, type Shape, type Tensors } from '@dpar/tensor';
import { gridSizeOf, type PatchVqConfig, patchWidthOf } from './config.js';
import { imagesOfPatches, nearestCodes, patchesOfImages } from './patches.js';

/** Parameters of a patch VQ tokenizer: the codebook, which `fitCodebook` makes, and the decoder's, which are trained. */
export function patchVqSpecs(config: PatchVqConfig): ParameterSpecs {
  return {
    'codebook.weight': zeros([config.codebookSize, patchWidthOf(config)]),
    ...patchVqDecoderSpecs(config),
  };
}

/** The parameters among {@link patchVqSpecs} that are trained by gradients. */
export function patchVqDecoderSpecs(config: PatchVqConfig): ParameterSpecs {
  const { codebookSize: K, embeddingDim: D, hiddenDim: F } = config;
  return {
    'decoder.embedding.weight': normal([K, D], 1),
    'decoder.context.weight': normal([F, 9 * D], (9 * D) ** -0.5),
    'decoder.context.bias': zeros([F]),
    'decoder.output.weight': zeros([patchWidthOf(config), F]),
  };
}

function normal(shape: Shape, std: number): ParameterSpec {
  return { shape, initializer: { kind: 'normal', std } };
}

/**
 * The code of each patch: the nearest row of the codebook.
 * @param images [B, 3, S, S]
 * @returns int32 [B, T]
 */
export function patchVqEncode<T>(ops: Ops<T>, config: PatchVqConfig, parameters: Tensors<T>, images: T): T {
  return nearestCodes(ops, named(parameters, 'codebook.weight'), patchesOfImages(ops, images, config.patchSize));
}

/**
 * Images of codes: each patch is its row of the codebook plus a correction, which a small network computes from the codes
 * of the patch and its eight neighbours, so that edges run on across patches.
 * @param codes int32 [B, T]
 * @returns [B, 3, S, S]
 */
export function patchVqDecode<T>(ops: Ops<T>, config: PatchVqConfig, parameters: Tensors<T>, codes: T): T {
  const patches = ops.add(
    ops.takeRows(named(parameters, 'codebook.weight'), codes),
    correction(ops, config, parameters, codes),
  );
  return imagesOfPatches(ops, patches, config.patchSize);
}

/** What the neighbourhood adds to each patch: codes [B, T] -> [B, T, width]. */
function correction<T>(ops: Ops<T>, config: PatchVqConfig, parameters: Tensors<T>, codes: T): T {
  const embedded = ops.takeRows(named(parameters, 'decoder.embedding.weight'), codes); // [B, T, D]
  const context = neighbourhoods(ops, embedded, gridSizeOf(config)); // [B, T, 9 D]
  const weight = named(parameters, 'decoder.context.weight');
  const hidden = ops.silu(ops.add(linear(ops, weight, context), named(parameters, 'decoder.context.bias')));
  return linear(ops, named(parameters, 'decoder.output.weight'), hidden);
}

/** The states of each cell and its eight neighbours side by side, zeros beyond the border: [B, T, D] -> [B, T, 9 D]. */
function neighbourhoods<T>(ops: Ops<T>, cells: T, grid: number): T {
  const [B = 0, count = 0, D = 0] = ops.shapeOf(cells);
  const padded = ops.pad(ops.pad(ops.reshape(cells, [B, grid, grid, D]), 1, 1, 1), 2, 1, 1);
  const shifted = [0, 1, 2].flatMap((row) => {
    const rows = ops.slice(padded, 1, row, grid);
    return [0, 1, 2].map((column) => ops.slice(rows, 2, column, grid)); // [B, grid, grid, D]
  });
  return ops.reshape(ops.concat(shifted, -1), [B, count, 9 * D]);
}

/** Mean squared error of decoded images, for pixels in -1..1: scalar. */
export function patchVqLoss<T>(ops: Ops<T>, config: PatchVqConfig, parameters: Tensors<T>, codes: T, images: T): T {
  return ops.mean(ops.square(ops.sub(patchVqDecode(ops, config, parameters, codes), images)));
}
