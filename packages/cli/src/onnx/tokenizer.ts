import { checkParameters } from '@dpar/nn';
import { type HostTensor, named, type TensorFunction, type Tensors } from '@dpar/tensor';
import {
  gridSizeOf,
  patchVqDecode,
  patchVqEncode,
  patchVqSpecs,
  readPatchVqConfig,
  readVqConfig,
  vqDecodeFunction,
  vqEncodeFunction,
  vqFactor,
  vqSpecs,
} from '@dpar/tokenizer';
import { floats, integers, type OnnxGraph } from './graph.js';

/** What an exported tokenizer is made of. */
interface TokenizerParts {
  /** From `image` to `codes` and perhaps more. */
  readonly encode: TensorFunction;
  /** From `codes` to `image`. */
  readonly decode: TensorFunction;
  readonly imageSize: number;
  readonly gridSize: number;
  readonly codebookSize: number;
  readonly latent: boolean;
}

/** The two graphs of a tokenizer: `encode` and `decode`. @throws DparError for parameters that are not the configuration's. */
export function tokenizerGraphs(config: { readonly kind?: unknown }, parameters: Tensors<HostTensor>): OnnxGraph[] {
  const { encode, decode, imageSize: S, gridSize, codebookSize, latent } = partsOf(config, parameters);
  const T = gridSize ** 2;
  const common = { parameters, config };
  return [
    {
      ...common,
      name: 'encode',
      description: 'Image tokenizer: from images to codes.',
      fn: encode,
      inputs: { image: floats(['batch', 3, S, S], 'red, green and blue in -1..1: byte / 127.5 - 1') },
      outputs: {
        codes: `[batch, ${T}]: codes 0 to ${codebookSize - 1} in raster order`,
        ...(latent && { latent: 'what the encoder gives, before codes are looked up' }),
      },
    },
    {
      ...common,
      name: 'decode',
      description: 'Image tokenizer: from codes to images.',
      fn: decode,
      inputs: { codes: integers(['batch', T], `codes 0 to ${codebookSize - 1} in raster order`) },
      outputs: { image: `[batch, 3, ${S}, ${S}]: red, green and blue in about -1..1: byte = clip((x + 1) * 127.5)` },
    },
  ];
}

/** Tokenizers by the kind of their config.json. */
function partsOf(config: { readonly kind?: unknown }, parameters: Tensors<HostTensor>): TokenizerParts {
  if (config.kind === 'vq') {
    const vq = readVqConfig(config);
    const known = vqSpecs(vq);
    checkParameters(known, Object.fromEntries(Object.entries(parameters).filter(([name]) => name in known)));
    const { imageSize, codebookSize } = vq;
    const gridSize = imageSize / vqFactor(vq);
    return {
      encode: vqEncodeFunction(vq),
      decode: vqDecodeFunction(vq),
      imageSize,
      gridSize,
      codebookSize,
      latent: true,
    };
  }
  const patchVq = readPatchVqConfig(config);
  checkParameters(patchVqSpecs(patchVq), parameters);
  const { imageSize, codebookSize } = patchVq;
  return {
    encode: (ops, x) => ({ codes: patchVqEncode(ops, patchVq, x, named(x, 'image')) }),
    decode: (ops, x) => ({ image: patchVqDecode(ops, patchVq, x, named(x, 'codes')) }),
    imageSize,
    gridSize: gridSizeOf(patchVq),
    codebookSize,
    latent: false,
  };
}
