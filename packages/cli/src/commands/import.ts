import { importCheckpoint } from '@dpar/checkpoint';
import { defineCommand } from '../command/command.js';
import { formatList, namesOf } from '../command/format.js';
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
} from '../command/options.js';
import { readJsonObject } from '../input-files.js';
import { readClassList } from '../tokenize/class-list.js';

export const importWeights = defineCommand({
  name: 'import',
  summary: 'Make a checkpoint from a PyTorch or safetensors file',
  details:
    'Input: a file of dpar export, a checkpoint of LlamaGen or of the authors of DPAR, or a plain state_dict ' +
    '(.pt, .pth, .safetensors). For several .safetensors files, pass their .safetensors.index.json or their ' +
    'folder.\n\n' +
    'Sizes are inferred from the shapes. Other keys of config.json come from --set, --config, the arguments of ' +
    'the training script, or a preset with the same sizes.\n\n' +
    "Names of classes come from --classes-file, the file itself, or a classes.json in the input's folder.\n\n" +
    'Code in a PyTorch file is never executed. Objects other than weights are ignored.',
  options: {
    input: required(path, 'PyTorch or safetensors file, .safetensors.index.json, or folder of .safetensors files'),
    config: optional(file, 'config.json with all or some keys'),
    set: repeated(assignment, 'set a key of config.json, such as block_size=256 or patching.threshold=7.8'),
    only: optional(
      choice(['model', 'ema']),
      'import only the weights (model) or only their moving average (ema), without the state of the optimizer',
    ),
    classesFile: optional(
      path,
      "names of the model's classes in the order of their numbers: a JSON list, text with a name on each line, or tokens with a list",
    ),
    seed: optional(wholeNumber(0), 'seed of the training run, if the file has none', 0),
    maxShardSize: optional(
      byteSize,
      'largest size of the tensors in a file, such as 2GB; larger models become several files with an index',
    ),
    output: required(outputFolder, 'output folder of the checkpoint'),
  },
  run: async ({ input, config, set, only, classesFile, seed, maxShardSize, output }, context) => {
    const given = config === undefined ? {} : await readJsonObject(config);
    const { signal } = context;
    const names = classesFile === undefined ? undefined : (await readClassList(classesFile)).names;
    const options = {
      classes: names,
      config: given,
      settings: set,
      only,
      seed,
      maximumShardBytes: maxShardSize,
      signal,
    };
    const result = await importCheckpoint(input, output, options);
    const { kind, tensors, files, step, assumed, ignored, leftOut, notes } = result;
    if (assumed.length > 0) context.note(`import: assumed, because the file does not say: ${assumed.join(', ')}`);
    for (const note of notes) context.note(`import: ${note}`);
    for (const part of leftOut) context.note(`import: left out, because it does not fit this model: ${part}`);
    const { num_classes: classes, class_dropout_prob: classDropout } = result.config;
    if (classDropout === 0) {
      context.note(
        `import: the class table has ${classes} rows for ${classes} classes and so no null class. ` +
          'Generate without guidance: dpar sample --guidance-scale 1',
      );
    }
    if (ignored.length > 0) context.note(`import: left out, because they are no weights: ${ignored.join(', ')}`);
    return {
      data: {
        kind,
        output,
        tensors,
        files,
        classes: result.classes ?? null,
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
        ...(result.classes === undefined ? [] : [['classes', namesOf(result.classes)] as const]),
        ['files', files.join(', ')],
        ['output', output],
      ]),
    };
  },
});
