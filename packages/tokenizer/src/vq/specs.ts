import { ones, type ParameterSpec, type ParameterSpecs, zeros } from '@dpar/nn';
import { checkArguments } from '../check-arguments.js';
import { codebookName } from './codebook.js';
import type { VqConfig } from './config.js';
import { vqConfigKinds } from './config.js';
import { decoderLevels, encoderLevels } from './levels.js';

/** A count of LlamaGen's training code that official files have beside the parameters. */
export const usageCount = 'quantize.codebook_used';

/** All parameters of LlamaGen's tokenizer under their official names, in the official order. */
export function vqSpecs(config: VqConfig): ParameterSpecs {
  checkArguments('vqSpecs', { config }, { config: vqConfigKinds });

  const { ch, chMult, zChannels, codebookSize, codebookEmbedDim } = config;
  const coarsest = ch * (chMult.at(-1) ?? 1);
  const encoder = encoderLevels(config).flatMap(({ prefix, widths, attention, resampled }) => [
    ...levelSpecs(prefix, widths, attention),
    ...(resampled ? convolutionSpecs(`${prefix}.downsample.conv`, widths.at(-1) ?? 0, widths.at(-1) ?? 0, 3) : []),
  ]);
  const decoder = decoderLevels(config).flatMap(({ prefix, widths, attention, resampled }) => [
    ...levelSpecs(prefix, widths, attention),
    ...(resampled ? convolutionSpecs(`${prefix}.upsample.conv`, widths.at(-1) ?? 0, widths.at(-1) ?? 0, 3) : []),
  ]);
  return Object.fromEntries([
    ...convolutionSpecs('encoder.conv_in', 3, ch, 3),
    ...encoder,
    ...middleSpecs('encoder.mid', coarsest),
    ...normSpecs('encoder.norm_out', coarsest),
    ...convolutionSpecs('encoder.conv_out', coarsest, zChannels, 3),
    ...convolutionSpecs('decoder.conv_in', zChannels, coarsest, 3),
    ...middleSpecs('decoder.mid', coarsest),
    ...decoder,
    ...normSpecs('decoder.norm_out', ch * (chMult[0] ?? 1)),
    ...convolutionSpecs('decoder.conv_out', ch * (chMult[0] ?? 1), 3, 3),
    [codebookName, { shape: [codebookSize, codebookEmbedDim], initializer: { kind: 'normal', std: 1 } }],
    ...convolutionSpecs('quant_conv', zChannels, codebookEmbedDim, 1),
    ...convolutionSpecs('post_quant_conv', codebookEmbedDim, zChannels, 1),
  ]);
}

type Entries = [string, ParameterSpec][];

/** A square kernel, with the variance that PyTorch's convolutions start with: 1 / (3 fan-in). */
function convolutionSpecs(prefix: string, inputs: number, outputs: number, kernel: number): Entries {
  const std = (3 * inputs * kernel * kernel) ** -0.5;
  return [
    [`${prefix}.weight`, { shape: [outputs, inputs, kernel, kernel], initializer: { kind: 'normal', std } }],
    [`${prefix}.bias`, zeros([outputs])],
  ];
}

function normSpecs(prefix: string, width: number): Entries {
  return [
    [`${prefix}.weight`, ones([width])],
    [`${prefix}.bias`, zeros([width])],
  ];
}

function residualSpecs(prefix: string, inputs: number, outputs: number): Entries {
  return [
    ...normSpecs(`${prefix}.norm1`, inputs),
    ...convolutionSpecs(`${prefix}.conv1`, inputs, outputs, 3),
    ...normSpecs(`${prefix}.norm2`, outputs),
    ...convolutionSpecs(`${prefix}.conv2`, outputs, outputs, 3),
    ...(inputs === outputs ? [] : convolutionSpecs(`${prefix}.nin_shortcut`, inputs, outputs, 1)),
  ];
}

function attentionSpecs(prefix: string, width: number): Entries {
  return [
    ...normSpecs(`${prefix}.norm`, width),
    ...['q', 'k', 'v', 'proj_out'].flatMap((name) => convolutionSpecs(`${prefix}.${name}`, width, width, 1)),
  ];
}

function middleSpecs(prefix: string, width: number): Entries {
  return [
    ...residualSpecs(`${prefix}.0`, width, width),
    ...attentionSpecs(`${prefix}.1`, width),
    ...residualSpecs(`${prefix}.2`, width, width),
  ];
}

/** Residual blocks from each width to the next, and as many attention blocks if there are any. */
function levelSpecs(prefix: string, widths: readonly number[], attention: boolean): Entries {
  const outputs = widths.slice(1);
  return [
    ...outputs.flatMap((width, i) => residualSpecs(`${prefix}.res.${i}`, widths[i] ?? 0, width)),
    ...(attention ? outputs.flatMap((width, i) => attentionSpecs(`${prefix}.attn.${i}`, width)) : []),
  ];
}
