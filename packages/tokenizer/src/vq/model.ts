import { named, type Ops, type TensorFunction, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { gridOf, gridOfImages } from '../grid.js';
import { codesOfLatents, latentsOfCodes } from './codebook.js';
import { type VqConfig, vqConfigKinds, vqFactor } from './config.js';
import { attentionBlock, below, convolution, downsample, head, middle, residualBlock } from './layers.js';
import { decoderLevels, encoderLevels, type Level } from './levels.js';

/**
 * The encoder down to the coarsest level, which begins at one cell a code: [B, 3, H, W] -> [B, C, H / f, W / f]. But for the
 * means and variances of its norms it sees only the neighbourhood of each cell.
 */
export function encodeFine<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, images: T): T {
  let x = convolution(ops, below(parameters, 'encoder.conv_in'), images);
  for (const level of encoderLevels(config)) {
    if (!level.resampled) break;
    x = blocks(ops, parameters, level, x);
    x = downsample(ops, below(parameters, `${level.prefix}.downsample.conv`), x);
  }
  return x;
}

/** The coarsest level of the encoder, with attention among all cells: [B, C, h, w] -> latents [B, D, h, w]. */
export function encodeCoarse<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, cells: T): T {
  const coarsest = encoderLevels(config).filter((level) => !level.resampled);
  let x = coarsest.reduce((y, level) => blocks(ops, parameters, level, y), cells);
  x = head(ops, parameters, 'encoder', middle(ops, parameters, 'encoder.mid', x));
  return convolution(ops, below(parameters, 'quant_conv'), x);
}

/** The coarsest level of the decoder, with attention among all cells: codes [B, h, w] -> [B, C, h, w]. */
export function decodeCoarse<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, codes: T): T {
  const latents = latentsOfCodes(ops, config, parameters, codes);
  const x = convolution(ops, below(parameters, 'post_quant_conv'), latents);
  const y = middle(ops, parameters, 'decoder.mid', convolution(ops, below(parameters, 'decoder.conv_in'), x));
  return decoderLevels(config)
    .slice(0, 1)
    .reduce((z, level) => blocks(ops, parameters, level, z), y);
}

/** The rest of the decoder: [B, C, h, w] -> [B, 3, H, W]. It sees neighbourhoods only, as {@link encodeFine} does. */
export function decodeFine<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, cells: T): T {
  const levels = decoderLevels(config);
  let x = cells;
  for (const [i, level] of levels.entries()) {
    if (i > 0) x = blocks(ops, parameters, level, x);
    if (level.resampled) {
      x = convolution(ops, below(parameters, `${level.prefix}.upsample.conv`), ops.resizeNearest(x, 2));
    }
  }
  return head(ops, parameters, 'decoder', x);
}

/**
 * What LlamaGen's encoder makes of images before codes are looked up: [B, 3, H, W] -> [B, D, H / f, W / f].
 * @throws DparError if the factor f does not divide H and W.
 */
export function vqLatents<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, images: T): T {
  checkArguments(
    'vqLatents',
    { ops, config, parameters, images },
    { ops: 'Ops', config: vqConfigKinds, parameters: 'object', images: 'Tensor' },
  );

  gridOfImages('vqLatents', ops.shapeOf(images), vqFactor(config));
  return encodeCoarse(ops, config, parameters, encodeFine(ops, config, parameters, images));
}

/**
 * Codes of images by LlamaGen's tokenizer.
 * @param images [B, 3, H, W] in -1..1
 * @returns int32 [B, T], in raster order, T = H W / f^2
 * @throws DparError if the factor f does not divide H and W.
 */
export function vqEncode<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, images: T): T {
  checkArguments(
    'vqEncode',
    { ops, config, parameters, images },
    { ops: 'Ops', config: vqConfigKinds, parameters: 'object', images: 'Tensor' },
  );

  return codesOfLatents(ops, config, parameters, vqLatents(ops, config, parameters, images));
}

/**
 * Images of codes by LlamaGen's tokenizer.
 * @param codes int32 [B, rows, columns], or [B, T] of square images
 * @returns [B, 3, rows f, columns f] in about -1..1, not clipped
 * @throws DparError for codes of another shape.
 */
export function vqDecode<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, codes: T): T {
  checkArguments(
    'vqDecode',
    { ops, config, parameters, codes },
    { ops: 'Ops', config: vqConfigKinds, parameters: 'object', codes: 'Tensor' },
  );

  const shape = ops.shapeOf(codes);
  const { rows, columns } = gridOf('vqDecode', shape);
  const grid = ops.reshape(codes, [shape[0] ?? 0, rows, columns]);
  return decodeFine(ops, config, parameters, decodeCoarse(ops, config, parameters, grid));
}

function blocks<T>(ops: Ops<T>, parameters: Tensors<T>, { prefix, widths, attention }: Level, x: T): T {
  let y = x;
  for (let i = 0; i < widths.length - 1; i++) {
    y = residualBlock(ops, parameters, `${prefix}.res.${i}`, y);
    if (attention) y = attentionBlock(ops, parameters, `${prefix}.attn.${i}`, y);
  }
  return y;
}

/**
 * {@link vqEncode} as a function of named tensors, to compile or to export: from `image` and the parameters to `codes` [B, T] and
 * `latent` [B, D, h, w].
 */
export function vqEncodeFunction(config: VqConfig): TensorFunction {
  checkArguments('vqEncodeFunction', { config }, { config: vqConfigKinds });

  return (ops, inputs) => {
    const latent = vqLatents(ops, config, inputs, named(inputs, 'image'));
    return { codes: codesOfLatents(ops, config, inputs, latent), latent };
  };
}

/** {@link vqDecode} as a function of named tensors, to compile or to export: from `codes` and the parameters to `image`. */
export function vqDecodeFunction(config: VqConfig): TensorFunction {
  checkArguments('vqDecodeFunction', { config }, { config: vqConfigKinds });

  return (ops, inputs) => ({ image: vqDecode(ops, config, inputs, named(inputs, 'codes')) });
}
