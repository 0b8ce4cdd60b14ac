import { initializeParameters, linear, type ParameterSpecs, zeros } from '@dpar/nn';
import { float32, type HostTensor, type HostTensorOf, named, type Ops, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type CodeGrid, gridOf, gridOfImages, nearestCodes } from '../codes.js';
import type { TokenizerTraining } from '../training/training-kind.js';
import { type PatchVqConfig, patchVqConfigKinds, patchWidthOf } from './config.js';

/**
 * Cuts images into square patches in raster order: [B, 3, H, W] -> [B, T, 3 p p], with channels outermost in each patch.
 * @param p Width and height of a patch in pixels; it divides H and W.
 */
export function patchesOfImages<T>(ops: Ops<T>, images: T, p: number): T {
  checkArguments('patchesOfImages', { ops, images, p }, { ops: 'Ops', images: 'Tensor', p: 'number' });

  const [B = 0, , H = 0, W = 0] = ops.shapeOf(images);
  const [rows, columns] = [H / p, W / p];
  const cut = ops.transpose(ops.reshape(images, [B, 3, rows, p, columns, p]), [0, 2, 4, 1, 3, 5]);
  return ops.reshape(cut, [B, rows * columns, 3 * p * p]);
}

/** Joins patches to images: the inverse of {@link patchesOfImages}. */
export function imagesOfPatches<T>(ops: Ops<T>, patches: T, p: number, { rows, columns }: CodeGrid): T {
  const [B = 0] = ops.shapeOf(patches);
  const cells = ops.transpose(ops.reshape(patches, [B, rows, columns, 3, p, p]), [0, 3, 1, 4, 2, 5]);
  return ops.reshape(cells, [B, 3, rows * p, columns * p]);
}

/** Parameters of a patch VQ tokenizer, with C numbers a patch. All but the codebook belong to the decoder. */
export function patchVqSpecs(config: PatchVqConfig): ParameterSpecs {
  checkArguments('patchVqKind.specs', { config }, { config: patchVqConfigKinds });

  const { codebookSize: K, hiddenDim: F } = config;
  const C = patchWidthOf(config);
  return {
    [codebookName]: zeros([K, C]),
    'decoder.embedding.weight': zeros([K, C]),
    'decoder.context.weight': { shape: [F, 9 * C], initializer: { kind: 'normal', std: (9 * C) ** -0.5 } },
    'decoder.context.bias': zeros([F]),
    [lastWeight]: zeros([C, F]),
  };
}

const codebookName = 'codebook.weight';

/** Names of the parameters that gradients train: those of the decoder. */
export function patchVqTrainable(config: PatchVqConfig): string[] {
  checkArguments('patchVqTrainable', { config }, { config: patchVqConfigKinds });

  return Object.keys(patchVqSpecs(config)).filter((name) => name !== codebookName);
}

/**
 * Parameters of a tokenizer with the given codebook and a decoder without corrections yet. The embeddings of codes start as
 * their patches, from which training is much faster than from random values.
 * @param codebook [K, C], see `fitCodebook`.
 */
export function initializePatchVq(
  config: PatchVqConfig,
  codebook: HostTensorOf<'float32'>,
  seed: number,
): Record<string, HostTensor> {
  checkArguments(
    'initializePatchVq',
    { config, codebook, seed },
    {
      config: patchVqConfigKinds,
      codebook: { dtype: "'float32'", shape: 'number[]', data: 'Float32Array', '*': 'any' },
      seed: 'number',
    },
  );

  return { ...initializeParameters(patchVqSpecs(config), seed), ...embeddedCodebook(codebook) };
}

/** A codebook, and the embeddings of its codes as their patches. */
function embeddedCodebook(codebook: HostTensorOf<'float32'>): Record<string, HostTensor> {
  const embeddings = codebook.data.map((value) => embeddingScale * value);
  return { [codebookName]: codebook, 'decoder.embedding.weight': float32(codebook.shape, embeddings) };
}

/** Scales the embeddings to a variance of about 1. */
const embeddingScale = 1.5;

/**
 * Code of each patch: the nearest row of the codebook.
 * @param images [B, 3, H, W]
 * @returns int32 [B, T]
 * @throws DparError if the width of a patch does not divide H and W.
 */
export function patchVqEncode<T>(ops: Ops<T>, config: PatchVqConfig, parameters: Tensors<T>, images: T): T {
  gridOfImages('patchVqEncode', ops.shapeOf(images), config.patchSize);
  return nearestCodes(ops, named(parameters, codebookName), patchesOfImages(ops, images, config.patchSize));
}

/**
 * Images of codes: each patch is its row of the codebook plus a correction. A small network computes it from the codes of
 * the patch and its eight neighbours, so that edges continue across patches.
 * @param codes int32 [B, rows, columns], or [B, T] of square images
 * @returns [B, 3, H, W]
 * @throws DparError for codes of another shape.
 */
export function patchVqDecode<T>(ops: Ops<T>, config: PatchVqConfig, parameters: Tensors<T>, codes: T): T {
  const shape = ops.shapeOf(codes);
  const grid = gridOf('patchVqDecode', shape);
  const flat = ops.reshape(codes, [shape[0] ?? 0, grid.rows * grid.columns]);
  const patches = ops.add(ops.takeRows(named(parameters, codebookName), flat), correction(ops, parameters, flat, grid));
  return imagesOfPatches(ops, patches, config.patchSize, grid);
}

/** Correction of each patch by its neighbourhood: codes [B, T] -> [B, T, C]. */
function correction<T>(ops: Ops<T>, parameters: Tensors<T>, codes: T, grid: CodeGrid): T {
  return linear(ops, named(parameters, lastWeight), hiddenStates(ops, parameters, codes, grid));
}

const lastWeight = 'decoder.output.weight';

/** Hidden states of the decoder: codes [B, T] -> [B, T, F]. */
function hiddenStates<T>(ops: Ops<T>, parameters: Tensors<T>, codes: T, grid: CodeGrid): T {
  const embedded = ops.takeRows(named(parameters, 'decoder.embedding.weight'), codes); // [B, T, C]
  const context = neighbourhoods(ops, embedded, grid); // [B, T, 9 C]
  const weight = named(parameters, 'decoder.context.weight');
  return ops.silu(ops.add(linear(ops, weight, context), named(parameters, 'decoder.context.bias')));
}

/** Concatenates the states of each cell and its eight neighbours, with zeros beyond the border: [B, T, C] -> [B, T, 9 C]. */
function neighbourhoods<T>(ops: Ops<T>, cells: T, grid: CodeGrid): T {
  const [B = 0, count = 0, C = 0] = ops.shapeOf(cells);
  const padded = ops.pad(ops.pad(ops.reshape(cells, [B, grid.rows, grid.columns, C]), 1, 1, 1), 2, 1, 1);
  const shifted = [0, 1, 2].flatMap((row) => {
    const rows = ops.slice(padded, 1, row, grid.rows);
    return [0, 1, 2].map((column) => ops.slice(rows, 2, column, grid.columns)); // [B, rows, columns, C]
  });
  return ops.reshape(ops.concat(shifted, -1), [B, count, 9 * C]);
}

/**
 * Mean squared error of decoded images, for pixels in -1..1: scalar.
 * @throws DparError for codes or images of another shape.
 */
export function patchVqLoss<T>(ops: Ops<T>, config: PatchVqConfig, parameters: Tensors<T>, codes: T, images: T): T {
  checkArguments(
    'patchVqLoss',
    { ops, config, parameters, codes, images },
    { ops: 'Ops', config: patchVqConfigKinds, parameters: 'object', codes: 'Tensor', images: 'Tensor' },
  );

  return ops.mean(ops.square(ops.sub(patchVqDecode(ops, config, parameters, codes), images)));
}

/** Training of a patch VQ tokenizer: the codebook moves to the patches, the decoder learns to correct them. */
export const patchVqTraining: TokenizerTraining<PatchVqConfig> = {
  codebook: codebookName,
  lastWeight,
  hasFixedStates: true,
  states: (ops, { patchSize }, _, images) => patchesOfImages(ops, images, patchSize),
  codes: (_, __, parameters) => named(parameters, codebookName),
  features: (ops, _, parameters, { codes, states, grid }) => ({
    patches: states,
    hidden: hiddenStates(ops, parameters, codes, grid),
  }),
  output(ops, { patchSize }, parameters, features, grid) {
    const corrections = linear(ops, named(parameters, lastWeight), named(features, 'hidden'));
    return imagesOfPatches(ops, ops.add(named(features, 'patches'), corrections), patchSize, grid);
  },
  startWith: embeddedCodebook,
};
