import { calibrateThreshold } from '@dpar/entropy';
import { defineCommand } from '../command.js';
import { computeEntropies } from '../entropies.js';
import { folder, number, optional, path, required, wholeNumber } from '../options.js';
import { formatList } from '../table.js';

export const calibrate = defineCommand({
  name: 'calibrate',
  summary: 'the entropy threshold at which patches have a wanted mean length',
  details: 'Patches are those of DPAR (Algorithm 1): none crosses a row of the square grid.',
  options: {
    checkpoint: required(folder, 'entropy model'),
    input: required(path, 'tokens: safetensors file, or folder of shards'),
    targetMeanPatchLength: required(number({ from: 1 }), 'wanted tokens per patch, in the paper 1.81 at 256 px'),
    maxPatchLength: optional(wholeNumber(1), 'most tokens in a patch', 4),
    batchSize: optional(wholeNumber(1, 4096), 'images at a time', 16),
  },
  run: async ({ checkpoint, input, targetMeanPatchLength, maxPatchLength, batchSize }, context) => {
    const { set, config } = await computeEntropies({ checkpoint, input, batchSize }, context);
    const rowLength = Math.sqrt(config.blockSize);
    const found = calibrateThreshold(set.entropies, { targetMeanPatchLength, maxPatchLength, rowLength });
    const { threshold, meanPatchLength, meanPatches } = found;
    const data = {
      threshold,
      mean_patch_length: meanPatchLength,
      mean_patches: meanPatches,
      max_patch_length: maxPatchLength,
      row_length: rowLength,
      images: set.tokens.shape[0],
    };
    const text = formatList([
      ['threshold', `${threshold} nats`],
      ['mean patch length', meanPatchLength.toFixed(4)],
      ['patches per image', meanPatches.toFixed(2)],
    ]);
    return { data, text };
  },
});
