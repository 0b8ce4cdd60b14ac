import { type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { engineTokenizer } from '../engine-tokenizer.js';
import type { ImageTokenizer } from '../image-tokenizer.js';
import { type VqConfig, vqFactor } from './config.js';
import { vqDecodeFunction, vqEncode } from './model.js';
import { vqSpecs } from './specs.js';

/** Pixels that one call of the engine takes: one image of 256 px. More at a time are no faster. */
const pixelsPerCall = 256 * 256;

/** A count of PyTorch's training code that official files have beside the parameters. */
const usage = 'quantize.codebook_used';

/**
 * LlamaGen's VQ tokenizer on an engine. Memory grows with the pixels of an image, and with the square of its codes: see
 * `tileTokenizer` for large ones.
 * @throws DparError if the parameters are not those of the configuration.
 */
export function createVq(engine: Engine, config: VqConfig, parameters: Tensors<HostTensor>): ImageTokenizer {
  const { [usage]: _, ...weights } = parameters;
  return engineTokenizer(engine, {
    codebookSize: config.codebookSize,
    factor: vqFactor(config),
    imageSize: config.imageSize,
    specs: vqSpecs(config),
    parameters: weights,
    encode: (ops, inputs) => ({ codes: vqEncode(ops, config, inputs, named(inputs, 'image')) }),
    decode: vqDecodeFunction(config),
    pixelsPerCall,
  });
}
