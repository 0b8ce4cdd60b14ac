import { calibrateThreshold } from '@dpar/entropy';
import { defineCommand } from '../command/command.js';
import { formatList } from '../command/format.js';
import { folder, number, optional, path, required, wholeNumber } from '../command/options.js';
import { computeEntropies } from '../entropies.js';

export const calibrate = defineCommand({
  name: 'calibrate',
  summary: 'Find the entropy threshold for a target mean patch length',
  details:
    'Patches follow Algorithm 1 of the paper. No patch crosses a row of the square grid. For a DPAR model, the threshold is ' +
    "that of its boundary head: 'boundary_head.threshold' in its config.json.",
  options: {
    checkpoint: required(folder, 'entropy model, or DPAR model with a boundary head'),
    input: required(path, 'tokens: safetensors file, or folder of shards'),
    targetMeanPatchLength: required(
      number({ from: 1 }),
      'target number of tokens per patch; 1.81 in the paper at 256 px',
    ),
    maxPatchLength: optional(wholeNumber(1), 'largest number of tokens in a patch', 4),
    batchSize: optional(wholeNumber(1, 4096), 'images per batch', 16),
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
