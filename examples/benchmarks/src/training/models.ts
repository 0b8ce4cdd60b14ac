import { readFileSync } from 'node:fs';
import { emojiFolder } from '@dpar/emoji/node';
import {
  type DparConfig,
  dparKind,
  dparMatmulMacs,
  dparMemory,
  dparPreset,
  type LlamaGenConfig,
  llamaGenKind,
  llamaGenMemory,
  llamaGenPreset,
  type MemoryCount,
  type Preset,
  type PresetOptions,
  paperPatchRatios,
  presets,
} from '@dpar/model';
import { gptMatmulMacs, type ImageArchitecture } from '@dpar/nn';
import { named } from '@dpar/tensor';

/** A model whose training is measured, of images of 16x16 tokens. */
export interface TrainedModel {
  readonly kind: 'dpar' | 'llamagen';
  readonly size: ModelSize;
  /** In names of benchmarks, such as `dpar-b-256`. */
  readonly name: string;
  readonly batch: number;
  readonly model: ImageArchitecture;
  /** Multiply-accumulates of matrix products in a forward pass for one image. */
  readonly macs: number;
  readonly memory: MemoryCount;
  /** Sizes for `python/train_step.py`, for models that PyTorch trains too. */
  readonly pytorch?: readonly number[];
}

/** Patches of an image on average, at the mean patch length of the paper at 256 px. */
export const meanPatches = Math.round(256 / (paperPatchRatios[256] ?? 1));

/**
 * Sizes of models by name: the base and the large model with 16384 codes; 4 layers, 256 wide, 1024 codes; that of
 * `npm run demo`; the models of `@dpar/emoji`, 160 wide.
 */
export type ModelSize = 'b-256' | 'l-256' | 'small' | 'demo' | 'emoji';

const presetsOf: Readonly<
  Record<Exclude<ModelSize, 'emoji'>, { readonly preset: Preset; readonly options: PresetOptions }>
> = {
  'b-256': { preset: presets.B, options: {} },
  'l-256': { preset: presets.L, options: {} },
  small: {
    preset: {
      dim: 256,
      nHead: 4,
      nLocalEncoderLayers: 1,
      nLayer: 2,
      nLocalDecoderLayers: 1,
      llamaGenLayers: 4,
    },
    options: { vocabSize: 1024, numClasses: 10 },
  },
  demo: {
    preset: { dim: 96, nHead: 2, nLocalEncoderLayers: 1, nLayer: 2, nLocalDecoderLayers: 1, llamaGenLayers: 4 },
    options: { vocabSize: 512, numClasses: 9, multipleOf: 96 },
  },
};

const dparOf = (size: ModelSize): DparConfig =>
  size === 'emoji'
    ? dparKind.readConfig(emojiConfig('dpar'))
    : dparPreset(presetsOf[size].preset, presetsOf[size].options);

const llamaGenOf = (size: ModelSize): LlamaGenConfig =>
  size === 'emoji'
    ? llamaGenKind.readConfig(emojiConfig('llamagen'))
    : llamaGenPreset(presetsOf[size].preset, presetsOf[size].options);

const emojiConfig = (kind: string) => JSON.parse(readFileSync(`${emojiFolder}/${kind}/config.json`, 'utf8'));

/** Largest batch in PyTorch, which needs more memory. */
const pytorchImages = 4;

/** The model of a kind and size. */
export function trainedModel(kind: 'dpar' | 'llamagen', size: ModelSize, batch: number): TrainedModel {
  const shared = { kind, size, batch, name: size === 'emoji' ? `emoji-${kind}` : `${kind}-${size}` };
  if (kind === 'dpar') {
    const base = dparOf(size);
    const config: DparConfig = { ...base, patching: { ...base.patching, threshold: 0 } };
    return {
      ...shared,
      model: { kind: dparKind, config },
      macs: dparMatmulMacs(config, meanPatches),
      memory: dparMemory(config, batch, meanPatches),
    };
  }
  const config = llamaGenOf(size);
  return {
    ...shared,
    model: { kind: llamaGenKind, config },
    macs: gptMatmulMacs(config),
    memory: llamaGenMemory(config, batch),
    ...(size === 'b-256' && batch <= pytorchImages && { pytorch: llamaGenArguments(config) }),
  };
}

/** Sizes of a LlamaGen in the order of the Python modules: width, heads, layers, feed-forward width, codes, classes, tokens. */
export function llamaGenArguments(config: LlamaGenConfig): number[] {
  const { dim, nHead, nLayer, vocabSize, numClasses, blockSize } = config;
  const hidden = named(llamaGenKind.specs(config), 'layers.0.feed_forward.w1.weight').shape[0] ?? 0;
  return [dim, nHead, nLayer, hidden, vocabSize, numClasses, blockSize];
}
