import { type Engine, type HostTensor, named, type Tensors } from '@dpar/tensor';
import { engineTokenizer } from '../engine-tokenizer.js';
import type { ImageTokenizer } from '../image-tokenizer.js';
import type { PatchVqConfig } from './config.js';
import { patchVqDecode, patchVqEncode, patchVqSpecs } from './model.js';

/** Pixels that one call of the engine takes: 64 images of 64 px, some 100 MB. */
const pixelsPerCall = 64 * 64 * 64;

/**
 * A patch VQ tokenizer that runs on an engine.
 * @throws DparError if the parameters are not those of the configuration.
 */
export function createPatchVq(engine: Engine, config: PatchVqConfig, parameters: Tensors<HostTensor>): ImageTokenizer {
  return engineTokenizer(engine, {
    codebookSize: config.codebookSize,
    factor: config.patchSize,
    imageSize: config.imageSize,
    specs: patchVqSpecs(config),
    parameters,
    encode: (ops, inputs) => ({ codes: patchVqEncode(ops, config, inputs, named(inputs, 'image')) }),
    decode: (ops, inputs) => ({ image: patchVqDecode(ops, config, inputs, named(inputs, 'codes')) }),
    pixelsPerCall,
  });
}
