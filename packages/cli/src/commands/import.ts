import { importCheckpoint } from '@dpar/train/node';
import { defineCommand } from '../command.js';
import { readJsonObject } from '../json-file.js';
import {
  assignment,
  byteSize,
  choice,
  file,
  optional,
  outputFolder,
  path,
  repeated,
  required,
  wholeNumber,
} from '../options.js';
import { formatList } from '../table.js';

export const importWeights = defineCommand({
  name: 'import',
  summary: 'makes a checkpoint of a PyTorch or safetensors file',
  details:
    'Reads files of dpar export, checkpoints of LlamaGen and of the authors of DPAR, and state_dicts alone (.pt, .pth, ' +
    '.safetensors; several .safetensors files by their .safetensors.index.json, or by the folder that they are in). A PyTorch file is read as data: nothing in it runs, and objects that are no weights are passed over. Sizes are told by the shapes; keys of config.json that ' +
    'shapes cannot tell come from --set, --config, what the training script was called with, or the preset of these sizes.',
  options: {
    input: required(path, 'PyTorch or safetensors file, index of several, or their folder'),
    config: optional(file, 'config.json, all of its keys or some'),
    set: repeated(assignment, 'sets a key of config.json, as in block_size=256 or patching.threshold=7.8'),
    only: optional(choice(['model', 'ema']), 'takes these weights alone, without average and state of the optimizer'),
    seed: optional(wholeNumber(0), "the training's seed, if the file names none", 0),
    maxShardSize: optional(
      byteSize,
      'most bytes of tensors in a file, such as 2GB; more come in several with an index',
    ),
    output: required(outputFolder, 'checkpoint to write'),
  },
  run: async ({ input, config, set, only, seed, maxShardSize, output }, context) => {
    const given = config === undefined ? {} : await readJsonObject(config);
    const { signal } = context;
    const options = { config: given, settings: set, only, seed, maximumShardBytes: maxShardSize, signal };
    const result = await importCheckpoint(input, output, options);
    const { kind, tensors, files, step, assumed, ignored, leftOut, notes } = result;
    if (assumed.length > 0) context.note(`import: not told by the file: ${assumed.join(', ')}`);
    for (const note of notes) context.note(`import: ${note}`);
    for (const part of leftOut) context.note(`import: left out, as it is not that of this model: ${part}`);
    const { num_classes: classes, class_dropout_prob: classDropout } = result.config;
    if (classDropout === 0) {
      context.note(
        `import: the class table has ${classes} rows for ${classes} classes, so there is no null class: ` +
          'the model generates without guidance (dpar sample --guidance-scale 1)',
      );
    }
    if (ignored.length > 0) context.note(`import: no weights, left out: ${ignored.join(', ')}`);
    return {
      data: {
        kind,
        output,
        tensors,
        files,
        step: step ?? null,
        assumed,
        ignored,
        notes,
        left_out: leftOut,
        config: result.config,
      },
      text: formatList([
        ['model', `${kind}, ${tensors} tensors`],
        ...(step === undefined ? [] : [['step', String(step)] as const]),
        ['files', files.join(', ')],
        ['output', output],
      ]),
    };
  },
});
