import type { Ops, Tensors } from '@dpar/tensor';
import { gridOf, gridOfImages } from '../codes.js';
import { codesOfLatents, latentsOfCodes } from './codebook.js';
import { normGroupsOf, patchSizeOf, type VqConfig, vqFactor } from './config.js';
import { attentionBlock, below, convolution, downsample, head, middle, type Network, residualBlock } from './layers.js';
import { decoderLevels, encoderLevels, type Level } from './levels.js';

/**
 * Finer levels of the encoder: [B, 3, H, W] -> [B, C, H / f, W / f], one cell a code. A cell depends on its neighbourhood, and
 * on the rest of the image only through the means and variances of norms.
 */
export function encodeFine<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, images: T): T {
  const network = networkOf(ops, config, parameters);
  let x = convolution(ops, below(parameters, 'encoder.conv_in'), joinPixels(ops, images, patchSizeOf(config)));
  for (const level of encoderLevels(config)) {
    if (!level.resampled) break;
    x = blocks(network, level, x);
    x = downsample(ops, below(parameters, `${level.prefix}.downsample.conv`), x);
  }
  return x;
}

/** Coarsest level of the encoder, with attention among all cells: [B, C, h, w] -> latents [B, D, h, w]. */
export function encodeCoarse<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, cells: T): T {
  const network = networkOf(ops, config, parameters);
  const coarsest = encoderLevels(config).filter((level) => !level.resampled);
  const x = coarsest.reduce((y, level) => blocks(network, level, y), cells);
  const encoded = head(network, 'encoder', middle(network, 'encoder.mid', x));
  return convolution(ops, below(parameters, 'quant_conv'), encoded);
}

/** Coarsest level of the decoder, with attention among all cells: codes [B, h, w] -> [B, C, h, w]. */
export function decodeCoarse<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, codes: T): T {
  return decodeLatents(ops, config, parameters, latentsOfCodes(ops, config, parameters, codes));
}

/** {@link decodeCoarse} for latents [B, D, h, w] in place of codes. */
export function decodeLatents<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, latents: T): T {
  const network = networkOf(ops, config, parameters);
  const x = convolution(ops, below(parameters, 'post_quant_conv'), latents);
  const y = middle(network, 'decoder.mid', convolution(ops, below(parameters, 'decoder.conv_in'), x));
  return decoderLevels(config)
    .slice(0, 1)
    .reduce((z, level) => blocks(network, level, z), y);
}

/** Finer levels of the decoder: [B, C, h, w] -> [B, 3, H, W]. They are as local as {@link encodeFine}. */
export function decodeFine<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, cells: T): T {
  return decodeOutput(ops, config, parameters, decodeFeatures(ops, config, parameters, cells));
}

/** {@link decodeFine} up to the last layers. */
export function decodeFeatures<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, cells: T): T {
  const network = networkOf(ops, config, parameters);
  let x = cells;
  for (const [i, level] of decoderLevels(config).entries()) {
    if (i > 0) x = blocks(network, level, x);
    if (level.resampled) {
      x = convolution(ops, below(parameters, `${level.prefix}.upsample.conv`), ops.resizeNearest(x, 2));
    }
  }
  return x;
}

/** Last layers of the decoder: [B, C, h, w] -> [B, 3, H, W]. */
export function decodeOutput<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>, features: T): T {
  const network = networkOf(ops, config, parameters);
  return splitPixels(ops, head(network, 'decoder', features), patchSizeOf(config));
}

function networkOf<T>(ops: Ops<T>, config: VqConfig, parameters: Tensors<T>): Network<T> {
  return { ops, parameters, groups: normGroupsOf(config) };
}

/** Makes one position of each square of p x p pixels: [B, C, H, W] -> [B, C p p, H / p, W / p]. */
function joinPixels<T>(ops: Ops<T>, x: T, p: number): T {
  if (p === 1) return x;
  const [B = 0, C = 0, H = 0, W = 0] = ops.shapeOf(x);
  const cut = ops.transpose(ops.reshape(x, [B, C, H / p, p, W / p, p]), [0, 1, 3, 5, 2, 4]);
  return ops.reshape(cut, [B, C * p * p, H / p, W / p]);
}

/** The inverse of {@link joinPixels}. */
function splitPixels<T>(ops: Ops<T>, x: T, p: number): T {
  if (p === 1) return x;
  const [B = 0, channels = 0, h = 0, w = 0] = ops.shapeOf(x);
  const C = channels / (p * p);
  const joined = ops.transpose(ops.reshape(x, [B, C, p, p, h, w]), [0, 1, 4, 2, 5, 3]);
  return ops.reshape(joined, [B, C, h * p, w * p]);
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

function blocks<T>(network: Network<T>, { prefix, widths, attention }: Level, x: T): T {
  let y = x;
  for (let i = 0; i < widths.length - 1; i++) {
    y = residualBlock(network, `${prefix}.res.${i}`, y);
    if (attention) y = attentionBlock(network, `${prefix}.attn.${i}`, y);
  }
  return y;
}
