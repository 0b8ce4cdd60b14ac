import { type LlamaGenConfig, llamaGenKind, llamaGenPreset } from '@dpar/model';
import { createRandom, type HostTensor, type HostTensorOf, int32 } from '@dpar/tensor';
import { randomParameters } from '../sampling/random-parameters.js';
import { llamaGenArguments, trainedModel } from '../training/models.js';

/** Standard deviation of the output layer, which would otherwise be zero. */
const outputStd = 0.02;

/** A LlamaGen that peers compute too, and images for it. */
export interface ComparedModel {
  /** Size, such as `LlamaGen-B`. */
  readonly name: string;
  readonly config: LlamaGenConfig;
  readonly images: number;
  /** [B, T] */
  readonly tokens: HostTensorOf<'int32'>;
  /** [B] */
  readonly labels: HostTensorOf<'int32'>;
}

/**
 * Sizes: LlamaGen-B with 16384 codes and 256 tokens; the model of `npm run demo` (4 layers, 96 wide, 512 codes, 256 tokens); and
 * one of 16 tokens for a test.
 */
export type ComparedSize = 'B' | 'demo' | 'tiny';

const names = { B: 'LlamaGen-B', demo: 'LlamaGen of 4 layers, 96 wide', tiny: 'LlamaGen of 1 layer, 32 wide' };

const configOf = (size: ComparedSize): LlamaGenConfig => {
  if (size !== 'tiny')
    return trainedModel('llamagen', size === 'B' ? 'b-256' : 'demo', 1).model.config as LlamaGenConfig;
  const tiny = { dim: 32, nHead: 2, nLocalEncoderLayers: 1, nLayer: 1, nLocalDecoderLayers: 1, llamaGenLayers: 1 };
  return llamaGenPreset(tiny, { gridSize: 4, vocabSize: 32, numClasses: 4, multipleOf: 32 });
};

/** A model of a size with random images. */
export function comparedModel(size: ComparedSize, images: number): ComparedModel {
  const config = configOf(size);
  const { blockSize: T, vocabSize, numClasses } = config;
  const random = createRandom(4);
  const below = (count: number, limit: number) => Int32Array.from({ length: count }, () => random.integer(limit));
  const tokens = int32([images, T], below(images * T, vocabSize));
  return { name: names[size], config, images, tokens, labels: int32([images], below(images, numClasses)) };
}

/** New random weights of a model, the same at each call. */
export const weightsOf = ({ config }: ComparedModel): Record<string, HostTensor> =>
  randomParameters(llamaGenKind.specs(config), 1, outputStd);

/** Settings of the Python scripts that run a model. */
export function scriptSettings({ config, images }: ComparedModel): { model: number[]; images: number } {
  return { model: llamaGenArguments(config), images };
}

/** Ways in which PyTorch computes, by the names of the scripts. */
const torchVariants: Readonly<Record<string, string>> = {
  eager: 'PyTorch, float32, eager',
  compiled: 'PyTorch, float32, compiled',
  bfloat16: 'PyTorch, bfloat16, eager',
  'bfloat16 compiled': 'PyTorch, bfloat16, compiled',
};

/** Names of the ways in which PyTorch computes. @param small Without those that are compiled, which takes a minute each. */
export function torchVariantsOf(small: boolean): readonly (readonly [variant: string, peer: string])[] {
  return Object.entries(torchVariants).filter(([variant]) => !(small && variant.includes('compiled')));
}
