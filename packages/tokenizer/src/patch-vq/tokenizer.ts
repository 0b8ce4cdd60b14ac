import { checkParameters } from '@dpar/nn';
import type { Engine, HostTensor, Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type Codes, compileStage, engineTokenizer, type Pixels } from '../engine-tokenizer.js';
import type { ImageTokenizer } from '../image-tokenizer.js';
import type { PatchVqConfig } from './config.js';
import { patchVqConfigKinds } from './config.js';
import { patchVqDecode, patchVqEncode, patchVqSpecs } from './model.js';

/** Pixels that one call of the engine takes: 64 images of 64 px. */
const pixelsPerCall = 64 * 64 * 64;

/**
 * A patch VQ tokenizer that runs on an engine. Memory grows with the pixels of an image.
 * @throws DparError if the parameters are not those of the configuration.
 */
export function createPatchVq(engine: Engine, config: PatchVqConfig, parameters: Tensors<HostTensor>): ImageTokenizer {
  checkArguments(
    'createPatchVq',
    { engine, config, parameters },
    { engine: 'Engine', config: patchVqConfigKinds, parameters: 'object' },
  );

  checkParameters(patchVqSpecs(config), parameters);
  const encoder = compileStage<Pixels, Codes>(engine, parameters, (ops, p, x) => patchVqEncode(ops, config, p, x));
  const decoder = compileStage<Codes, Pixels>(engine, parameters, (ops, p, x) => patchVqDecode(ops, config, p, x));
  return engineTokenizer({
    codebookSize: config.codebookSize,
    factor: config.patchSize,
    imageSize: config.imageSize,
    pixelsPerCall,
    encode: encoder.run,
    decode: decoder.run,
    async dispose() {
      await encoder.dispose();
      await decoder.dispose();
    },
  });
}
