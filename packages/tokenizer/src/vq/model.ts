import type { Ops, Tensors } from '@dpar/tensor';
import { gridOf, gridOfImages } from '../codes.js';
import { codesOfLatents, latentsOfCodes } from './codebook.js';
import { type VqConfig, vqFactor } from './config.js';
import { attentionBlock, below, convolution, downsample, head, middle, residualBlock } from './layers.js';
import { decoderLevels, encoderLevels, type Level } from './levels.js';

/**
 * Finer levels of the encoder: [B, 3, H, W] -> [B, C, H / f, W / f], one cell a code. A cell depends on its neighbourhood, and
 * on the rest of the image only through the means and variances of norms.
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

/** Coarsest level of the encoder, with attention among all cells: [B, C, h, w] -> latents [B, D, h, w]. */
export function encodeCoarse<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, cells: T): T {
  const coarsest = encoderLevels(config).filter((level) => !level.resampled);
  let x = coarsest.reduce((y, level) => blocks(ops, parameters, level, y), cells);
  x = head(ops, parameters, 'encoder', middle(ops, parameters, 'encoder.mid', x));
  return convolution(ops, below(parameters, 'quant_conv'), x);
}

/** Coarsest level of the decoder, with attention among all cells: codes [B, h, w] -> [B, C, h, w]. */
export function decodeCoarse<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, codes: T): T {
  const latents = latentsOfCodes(ops, config, parameters, codes);
  const x = convolution(ops, below(parameters, 'post_quant_conv'), latents);
  const y = middle(ops, parameters, 'decoder.mid', convolution(ops, below(parameters, 'decoder.conv_in'), x));
  return decoderLevels(config)
    .slice(0, 1)
    .reduce((z, level) => blocks(ops, parameters, level, z), y);
}

/** Finer levels of the decoder: [B, C, h, w] -> [B, 3, H, W]. They are as local as {@link encodeFine}. */
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
 * Latents of images, before codes are looked up: [B, 3, H, W] -> [B, D, H / f, W / f].
 * @throws DparError if the factor f does not divide H and W.
 */
export function vqLatents<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, images: T): T {
  gridOfImages('vqEncode', ops.shapeOf(images), vqFactor(config));
  return encodeCoarse(ops, config, parameters, encodeFine(ops, config, parameters, images));
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
 * @throws DparError for codes of another shape.
 */
export function vqDecode<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, codes: T): T {
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
