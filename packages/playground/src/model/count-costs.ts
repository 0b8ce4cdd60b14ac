import { type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import {
  boundaryHeadMacs,
  type DparConfig,
  dparKind,
  dparMacs,
  isBoundaryParameter,
  type LlamaGenConfig,
  llamaGenKind,
  llamaGenMacs,
} from '@dpar/model';
import type { ParameterSpecs } from '@dpar/nn';
import { sizeOf } from '@dpar/tensor';
import { type TokenizerArchitecture, tokenizerMacs } from '@dpar/tokenizer';
import type { ModelCosts, PartCost } from './costs.js';
import { drawingSource } from './entropy-source.js';

/** Configurations of the models that are compared. */
export interface ComparedModels {
  readonly tokenizer: TokenizerArchitecture;
  readonly dpar: DparConfig;
  /** Entropy model, which DPAR without a boundary head needs. */
  readonly entropy?: EntropyModelConfig | undefined;
  readonly llamagen: LlamaGenConfig;
}

/** A LlamaGen of as many blocks as a DPAR, for figures beside a DPAR that comes without one. */
export function equivalentLlamaGen(dpar: DparConfig): LlamaGenConfig {
  const { dim, nHead, multipleOf, vocabSize, blockSize, numClasses, ropeBase, normEps, clsTokenNum } = dpar;
  const nLayer = dpar.nLocalEncoderLayers + dpar.nLayer + dpar.nLocalDecoderLayers;
  return { dim, nLayer, nHead, multipleOf, vocabSize, blockSize, numClasses, ropeBase, normEps, clsTokenNum };
}

/**
 * Counts what runs for an image, with the multiply-adds of Table S1 of the paper. The table leaves out the boundary head, the
 * entropy model and the tokenizer. It counts the encoder for all tokens, although the last one is not read.
 */
export function countCosts({ tokenizer, dpar, entropy, llamagen }: ComparedModels): ModelCosts {
  const { blockSize: T, nLayer, nLocalEncoderLayers, nLocalDecoderLayers } = dpar;
  const withoutEncoder = { ...dpar, nLocalEncoderLayers: 0 };
  const source: PartCost =
    drawingSource(dpar) === 'head'
      ? { name: 'head', runs: T - 1, macs: (T - 1) * boundaryHeadMacs(dpar), blocks: 0, isGuided: false }
      : entropyPart(entropy as EntropyModelConfig);
  return {
    dpar: [
      {
        name: 'encoder',
        runs: T - 1,
        macs: dparMacs(dpar, 0) - dparMacs(withoutEncoder, 0),
        blocks: nLocalEncoderLayers,
        isGuided: false,
      },
      source,
      {
        name: 'global',
        runs: 'patches',
        macs: dparMacs(dpar, 1) - dparMacs(dpar, 0),
        blocks: nLayer,
        isGuided: true,
      },
      { name: 'decoder', runs: T, macs: dparMacs(withoutEncoder, 0), blocks: nLocalDecoderLayers, isGuided: true },
    ],
    llamagen: [
      {
        name: 'model',
        runs: llamagen.blockSize,
        macs: llamaGenMacs(llamagen),
        blocks: llamagen.nLayer,
        isGuided: true,
      },
    ],
    tokenizerDecoder: tokenizerMacs(tokenizer).decode,
  };
}

/** The entropy model, a GPT of the same blocks as LlamaGen, which reads each token but the last. */
function entropyPart(config: EntropyModelConfig): PartCost {
  const { blockSize: T, nLayer } = config;
  return { name: 'entropy', runs: T - 1, macs: llamaGenMacs(config), blocks: nLayer, isGuided: false };
}

/** Numbers of weights. */
export interface WeightCounts {
  /** DPAR without its boundary head. */
  readonly dpar: number;
  /** Boundary head of DPAR, or the entropy model that it needs. */
  readonly entropies: number;
  readonly llamagen: number;
}

/** Counts the weights of the compared models. */
export function countWeights({ dpar, entropy, llamagen }: Omit<ComparedModels, 'tokenizer'>): WeightCounts {
  const ofDpar = dparKind.specs(dpar);
  const head = weightsOf(ofDpar, isBoundaryParameter);
  return {
    dpar: weightsOf(ofDpar) - head,
    entropies: drawingSource(dpar) === 'head' ? head : weightsOf(entropyKind.specs(entropy as EntropyModelConfig)),
    llamagen: weightsOf(llamaGenKind.specs(llamagen)),
  };
}

function weightsOf(specs: ParameterSpecs, counts: (name: string) => boolean = () => true): number {
  return Object.entries(specs).reduce((sum, [name, { shape }]) => sum + (counts(name) ? sizeOf(shape) : 0), 0);
}
