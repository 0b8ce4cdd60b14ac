import { exportPyTorch, exportSafetensors } from '@dpar/checkpoint';
import type { Context } from '../command/command.js';
import { defineCommand, type Result } from '../command/command.js';
import { UsageError } from '../command/errors.js';
import { formatList } from '../command/format.js';
import { byteSize, choice, flag, folder, optional, outputPath, required, type Values } from '../command/options.js';
import { exportOnnxCheckpoint } from '../onnx/export.js';
import { interfaceOf } from '../onnx/write.js';

const options = {
  checkpoint: required(folder, 'DPAR, LlamaGen or entropy model, or tokenizer'),
  format: required(choice(['pytorch', 'safetensors', 'onnx']), 'format to write'),
  output: required(outputPath('any'), 'output: a file such as model.pt, model.safetensors or model.onnx, or a folder'),
  withoutOptimizer: flag('pytorch: omit the state of the optimizer, which is twice as large as the weights'),
  maxShardSize: optional(
    byteSize,
    'safetensors: largest size of the tensors in one file, such as 2GB (2 x 10^9 bytes); larger models become several files',
  ),
  decode: flag('onnx: write the steps of generation with cached keys and values'),
  entropyCheckpoint: optional(
    folder,
    'onnx, with --decode: entropy model of a DPAR model without a boundary head; its step is exported too',
  ),
  average: flag('onnx, safetensors: use the moving average of the weights, from training with average_decay'),
  weights: optional(choice(['float32', 'int8', 'int4']), 'onnx: format of the weight matrices', 'float32'),
  portable: flag('onnx: use only standard operators, for runtimes other than ONNX Runtime'),
  externalData: flag('onnx: write the weights to a separate file (FILE.onnx.data); automatic above 2 GiB'),
};

type ExportValues = Values<typeof options>;

export const exportCheckpoint = defineCommand({
  name: 'export',
  summary: 'Export a checkpoint to PyTorch, safetensors or ONNX',
  details:
    "pytorch: a file for torch.load(path, weights_only=True), in the format of LlamaGen's training scripts. Its " +
    "keys are 'model' (state_dict) and 'config' (text of config.json). If the checkpoint has them, it also has " +
    "'ema' (moving average), 'optimizer' (state of torch.optim.AdamW) and 'steps'.\n\n" +
    'safetensors: FILE.safetensors, or a folder that also has config.json. With --max-shard-size, several files ' +
    'with an index.\n\n' +
    'onnx: FILE.onnx with the teacher-forced pass of a model. With --decode, a folder with the steps of ' +
    'generation with cached keys and values. For a tokenizer, encode.onnx and decode.onnx. Batch size and number ' +
    'of patches are dynamic. Each file describes its inputs and outputs. With a boundary head, encoder_step.onnx ' +
    'returns the entropies, and no entropy model is needed.',
  options,
  run: async (values, context) => {
    checkFormat(values);
    if (values.format === 'onnx') return toOnnx(values);
    return values.format === 'pytorch' ? toPyTorch(values, context) : toSafetensors(values, context);
  },
});

/** @throws UsageError for an option that the format does not have. */
function checkFormat(values: ExportValues): void {
  const { format, decode, entropyCheckpoint, average, weights, portable, externalData } = values;
  const uses: readonly (readonly [option: string, given: boolean, formats: readonly string[]])[] = [
    ['--without-optimizer', values.withoutOptimizer, ['pytorch']],
    ['--max-shard-size', values.maxShardSize !== undefined, ['safetensors']],
    ['--average', average, ['onnx', 'safetensors']],
    ['--decode', decode, ['onnx']],
    ['--entropy-checkpoint', entropyCheckpoint !== undefined, ['onnx']],
    ['--weights', weights !== 'float32', ['onnx']],
    ['--portable', portable, ['onnx']],
    ['--external-data', externalData, ['onnx']],
  ];
  for (const [option, given, formats] of uses) {
    if (given && !formats.includes(format)) {
      throw new UsageError(`${option}: expected --format ${formats.join(' or ')}, got ${format}.`);
    }
  }
}

async function toOnnx(options: Parameters<typeof exportOnnxCheckpoint>[0]): Promise<Result> {
  const { kind, graphs, files } = await exportOnnxCheckpoint(options);
  const { output, weights, portable } = options;
  const interfaces = Object.fromEntries(graphs.map((graph) => [graph.name, interfaceOf(graph)]));
  return {
    data: { kind, format: 'onnx', output, files, weights, portable, graphs: interfaces },
    text: formatList([
      ['model', kind],
      ...graphs.map(({ name, inputs, outputs }) => {
        const text = `${Object.keys(inputs).join(', ')} -> ${Object.keys(outputs).join(', ')}`;
        return [name, text.replaceAll(/(past_key_values|present)\.0\.key.*?\1\.\d+\.value(?!, \1)/g, '$1.*')] as const;
      }),
      ['files', files.join(', ')],
    ]),
  };
}

async function toPyTorch({ checkpoint, output, withoutOptimizer }: ExportValues, context: Context): Promise<Result> {
  const result = await exportPyTorch(checkpoint, output, { optimizer: !withoutOptimizer, signal: context.signal });
  const { kind, tensors, keys, step, settingsFrom, leftOut, notes } = result;
  for (const note of notes) context.note(`export: ${note}`);
  if (leftOut.length > 0) context.note(`export: left out of the file: ${leftOut.join(', ')}`);
  return {
    data: {
      kind,
      format: 'pytorch',
      output,
      tensors,
      keys,
      step: step ?? null,
      optimizer_settings: settingsFrom ?? null,
      left_out: leftOut,
    },
    text: formatList([
      ['model', `${kind}, ${tensors} tensors`],
      ['keys', keys.join(', ')],
      ...(step === undefined ? [] : [['step', String(step)] as const]),
      ...(settingsFrom === undefined ? [] : [["optimizer's settings", `from ${settingsFrom}`] as const]),
      ['output', output],
    ]),
  };
}

async function toSafetensors(values: ExportValues, context: Context): Promise<Result> {
  const { checkpoint, output, average, maxShardSize: maximumShardBytes } = values;
  const { kind, tensors, files, leftOut, notes } = await exportSafetensors(checkpoint, output, {
    average,
    maximumShardBytes,
    signal: context.signal,
  });
  for (const note of notes) context.note(`export: ${note}`);
  if (leftOut.length > 0) context.note(`export: left out of the files: ${leftOut.join(', ')}`);
  return {
    data: { kind, format: 'safetensors', output, tensors, files, left_out: leftOut },
    text: formatList([
      ['model', `${kind}, ${tensors} tensors`],
      ['files', files.join(', ')],
      ['output', output],
    ]),
  };
}
