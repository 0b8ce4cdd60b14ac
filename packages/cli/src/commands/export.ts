import { exportPyTorch } from '@dpar/train/node';
import { defineCommand, type Result } from '../command.js';
import type { Context } from '../context.js';
import { UsageError } from '../errors.js';
import { exportOnnxCheckpoint } from '../onnx/export.js';
import { interfaceOf } from '../onnx/write.js';
import { choice, flag, folder, optional, path, required } from '../options.js';
import { formatList } from '../table.js';

export const exportCheckpoint = defineCommand({
  name: 'export',
  summary: 'writes a checkpoint as a PyTorch file, as the training scripts of LlamaGen do, or as ONNX models',
  details:
    "Keys of the PyTorch file, which torch.load(path, weights_only=True) opens: 'model' (state_dict), 'ema' (moving average), " +
    "'optimizer' (state of torch.optim.AdamW) and 'steps', where the checkpoint has them; 'config', the text of config.json. " +
    'ONNX: the teacher-forced pass of a model (FILE.onnx), with --decode a folder of its steps with cached keys and values; ' +
    'encode.onnx and decode.onnx of a tokenizer. Batch and patches may be of any size; the files say what they take.',
  options: {
    checkpoint: required(folder, 'a DPAR, LlamaGen or entropy model; for ONNX also a tokenizer'),
    format: required(choice(['pytorch', 'onnx']), 'what is written'),
    output: required(path, 'file to write, such as model.pt or model.onnx, or folder'),
    withoutOptimizer: flag('pytorch: leaves out the state of the optimizer, which is twice as large as the weights'),
    decode: flag('onnx: the steps of generation with cached keys and values'),
    entropyCheckpoint: optional(folder, 'onnx: entropy model whose step comes along with those of a DPAR model'),
    average: flag("onnx: the moving average of the model's weights, which training with average_decay keeps"),
    weights: optional(choice(['float32', 'int8', 'int4']), 'onnx: format of the weight matrices', 'float32'),
    portable: flag('onnx: standard operators only, for other runtimes than ONNX Runtime'),
    externalData: flag('onnx: weights in a file of their own (FILE.onnx.data), as above 2 GiB'),
  },
  run: async (values, context) => {
    const { decode, entropyCheckpoint, average, weights, portable, externalData } = values;
    if (values.format === 'onnx') {
      if (values.withoutOptimizer) throw new UsageError('--without-optimizer: expected --format pytorch, got onnx.');
      return toOnnx(values);
    }
    if (decode || entropyCheckpoint !== undefined || average || weights !== 'float32' || portable || externalData) {
      throw new UsageError('--format: expected onnx with these options, got pytorch.');
    }
    return toPyTorch(values, context);
  },
});

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

interface PyTorchExport {
  readonly checkpoint: string;
  readonly output: string;
  readonly withoutOptimizer: boolean;
}

async function toPyTorch({ checkpoint, output, withoutOptimizer }: PyTorchExport, context: Context): Promise<Result> {
  const result = await exportPyTorch(checkpoint, output, { optimizer: !withoutOptimizer, signal: context.signal });
  const { kind, tensors, keys, step, settingsFrom, leftOut } = result;
  if (leftOut.length > 0) context.note(`export: not in the file: ${leftOut.join(', ')}`);
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
