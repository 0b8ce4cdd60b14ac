import { named, type Ops, type TensorFunction, type Tensors } from '@dpar/tensor';
import { gridOf, gridOfImages } from '../grid.js';
import { codesOfLatents, latentsOfCodes } from './codebook.js';
import { type VqConfig, vqFactor } from './config.js';
import { attentionBlock, below, convolution, downsample, head, middle, residualBlock } from './layers.js';
import { decoderLevels, encoderLevels, type Level } from './levels.js';

/**
 * What LlamaGen's encoder makes of images before codes are looked up: [B, 3, H, W] -> [B, D, H / f, W / f].
 * @throws DparError if the factor f does not divide H and W.
 */
export function vqLatents<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, images: T): T {
  gridOfImages('vqLatents', ops.shapeOf(images), vqFactor(config));
  let x = convolution(ops, below(parameters, 'encoder.conv_in'), images);
  for (const level of encoderLevels(config)) {
    x = blocks(ops, parameters, level, x);
    if (level.resampled) x = downsample(ops, below(parameters, `${level.prefix}.downsample.conv`), x);
  }
  x = head(ops, parameters, 'encoder', middle(ops, parameters, 'encoder.mid', x));
  return convolution(ops, below(parameters, 'quant_conv'), x);
}

/**
 * Codes of images by LlamaGen's tokenizer.
 * @param images [B, 3, H, W] in -1..1
 * @returns int32 [B, T], in raster order, T = H W / f^2
 * @throws DparError if the factor f does not divide H and W.
 */
export function vqEncode<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, images: T): T {
  return codesOfLatents(ops, config, parameters, vqLatents(ops, config, parameters, images));
}

/**
 * Images of codes by LlamaGen's tokenizer.
 * @param codes int32 [B, rows, columns], or [B, T] of square images
 * @returns [B, 3, rows f, columns f] in about -1..1, not clipped
 */
export function vqDecode<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, codes: T): T {
  const shape = ops.shapeOf(codes);
  const { rows, columns } = gridOf('vqDecode', shape);
  const latents = latentsOfCodes(ops, config, parameters, ops.reshape(codes, [shape[0] ?? 0, rows, columns]));
  let x = convolution(ops, below(parameters, 'post_quant_conv'), latents);
  x = middle(ops, parameters, 'decoder.mid', convolution(ops, below(parameters, 'decoder.conv_in'), x));
  for (const level of decoderLevels(config)) {
    x = blocks(ops, parameters, level, x);
    if (level.resampled) {
      x = convolution(ops, below(parameters, `${level.prefix}.upsample.conv`), ops.resizeNearest(x, 2));
    }
  }
  return head(ops, parameters, 'decoder', x);
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
  return (ops, inputs) => {
    const latent = vqLatents(ops, config, inputs, named(inputs, 'image'));
    return { codes: codesOfLatents(ops, config, inputs, latent), latent };
  };
}

/** {@link vqDecode} as a function of named tensors, to compile or to export: from `codes` and the parameters to `image`. */
export function vqDecodeFunction(config: VqConfig): TensorFunction {
  return (ops, inputs) => ({ image: vqDecode(ops, config, inputs, named(inputs, 'codes')) });
}
