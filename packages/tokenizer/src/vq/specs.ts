import { ones, type ParameterSpec, type ParameterSpecs, zeros } from '@dpar/nn';
import { checkArguments } from '../check-arguments.js';
import { codebookName } from './codebook.js';
import { normGroupsOf, patchSizeOf, type VqConfig, vqConfigKinds } from './config.js';
import { decoderLevels, encoderLevels, type Level } from './levels.js';

/** Count of LlamaGen's training code, which official files hold in addition to the parameters. */
export const usageCount = 'quantize.codebook_used';

/** Specs of a network, which grow layer by layer. */
interface Specs {
  readonly parameters: Record<string, ParameterSpec>;
  readonly hasNorms: boolean;
}

/**
 * Factor of the initial weights that end a residual branch. So each block starts near the identity, and the network learns sooner:
 * 0.4 dB more after 800 steps with 64 channels. Initial weights of 0 do as well.
 */
const branchScale = 0.1;

/** All parameters of LlamaGen's tokenizer under their official names, in the official order. */
export function vqSpecs(config: VqConfig): ParameterSpecs {
  checkArguments('vqKind.specs', { config }, { config: vqConfigKinds });

  const { ch, chMult, zChannels, codebookSize, codebookEmbedDim } = config;
  const pixel = 3 * patchSizeOf(config) ** 2;
  const finest = ch * (chMult[0] ?? 1);
  const coarsest = ch * (chMult.at(-1) ?? 1);
  const specs: Specs = { parameters: {}, hasNorms: normGroupsOf(config) > 0 };
  addConvolution(specs, 'encoder.conv_in', pixel, ch, 3);
  for (const level of encoderLevels(config)) addLevel(specs, level, 'downsample');
  addMiddle(specs, 'encoder.mid', coarsest);
  addNorm(specs, 'encoder.norm_out', coarsest);
  addConvolution(specs, 'encoder.conv_out', coarsest, zChannels, 3);
  addConvolution(specs, 'decoder.conv_in', zChannels, coarsest, 3);
  addMiddle(specs, 'decoder.mid', coarsest);
  for (const level of decoderLevels(config)) addLevel(specs, level, 'upsample');
  addNorm(specs, 'decoder.norm_out', finest);
  addConvolution(specs, 'decoder.conv_out', finest, pixel, 3);
  specs.parameters[codebookName] = { shape: [codebookSize, codebookEmbedDim], initializer: { kind: 'normal', std: 1 } };
  addConvolution(specs, 'quant_conv', zChannels, codebookEmbedDim, 1);
  addConvolution(specs, 'post_quant_conv', codebookEmbedDim, zChannels, 1);
  return specs.parameters;
}

/** Adds a convolution with a square kernel and `scale`² times the variance of PyTorch's initial weights, 1 / (3 fan-in). */
function addConvolution(
  { parameters }: Specs,
  prefix: string,
  inputs: number,
  outputs: number,
  kernel: number,
  scale = 1,
): void {
  const std = scale * (3 * inputs * kernel * kernel) ** -0.5;
  parameters[`${prefix}.weight`] = { shape: [outputs, inputs, kernel, kernel], initializer: { kind: 'normal', std } };
  parameters[`${prefix}.bias`] = zeros([outputs]);
}

function addNorm({ parameters, hasNorms }: Specs, prefix: string, width: number): void {
  if (!hasNorms) return;
  parameters[`${prefix}.weight`] = ones([width]);
  parameters[`${prefix}.bias`] = zeros([width]);
}

function addResidual(specs: Specs, prefix: string, inputs: number, outputs: number): void {
  addNorm(specs, `${prefix}.norm1`, inputs);
  addConvolution(specs, `${prefix}.conv1`, inputs, outputs, 3);
  addNorm(specs, `${prefix}.norm2`, outputs);
  addConvolution(specs, `${prefix}.conv2`, outputs, outputs, 3, branchScale);
  if (inputs !== outputs) addConvolution(specs, `${prefix}.nin_shortcut`, inputs, outputs, 1);
}

function addAttention(specs: Specs, prefix: string, width: number): void {
  addNorm(specs, `${prefix}.norm`, width);
  for (const name of ['q', 'k', 'v']) addConvolution(specs, `${prefix}.${name}`, width, width, 1);
  addConvolution(specs, `${prefix}.proj_out`, width, width, 1, branchScale);
}

function addMiddle(specs: Specs, prefix: string, width: number): void {
  addResidual(specs, `${prefix}.0`, width, width);
  addAttention(specs, `${prefix}.1`, width);
  addResidual(specs, `${prefix}.2`, width, width);
}

/** Adds the blocks of a level, then its change of resolution if it has one. */
function addLevel(specs: Specs, { prefix, widths, attention, resampled }: Level, resampling: string): void {
  const [first = 0, ...outputs] = widths;
  let inputs = first;
  for (const [i, width] of outputs.entries()) {
    addResidual(specs, `${prefix}.res.${i}`, inputs, width);
    inputs = width;
  }
  if (attention) for (const [i, width] of outputs.entries()) addAttention(specs, `${prefix}.attn.${i}`, width);
  if (resampled) addConvolution(specs, `${prefix}.${resampling}.conv`, inputs, inputs, 3);
}
