import { named } from '@dpar/tensor';
import type { TokenizerTraining } from '../training/training-kind.js';
import { cellsOf, codebook, codebookName } from './codebook.js';
import type { VqConfig } from './config.js';
import { decodeFeatures, decodeLatents, decodeOutput, vqLatents } from './model.js';

/** Training of LlamaGen's tokenizer. */
export const vqTraining: TokenizerTraining<VqConfig> = {
  codebook: codebookName,
  lastWeight: 'decoder.conv_out.weight',
  hasFixedStates: false,
  states: (ops, config, parameters, images) => cellsOf(ops, config, vqLatents(ops, config, parameters, images)),
  codes: codebook,
  features(ops, config, parameters, { states, grid: { rows, columns } }) {
    const [B = 0, , D = 0] = ops.shapeOf(states);
    const latents = ops.transpose(ops.reshape(states, [B, rows, columns, D]), [0, 3, 1, 2]);
    const cells = decodeLatents(ops, config, parameters, latents);
    return { features: decodeFeatures(ops, config, parameters, cells) };
  },
  output: (ops, config, parameters, features) => decodeOutput(ops, config, parameters, named(features, 'features')),
  startWith: (codes) => ({ [codebookName]: codes }),
};
