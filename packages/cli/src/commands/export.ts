import { exportPyTorch } from '@dpar/train/node';
import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { choice, flag, folder, path, required } from '../options.js';
import { formatList } from '../table.js';

export const exportCheckpoint = defineCommand({
  name: 'export',
  summary: 'writes a checkpoint as a PyTorch file, as the training scripts of LlamaGen do',
  details:
    "Keys of the file, which torch.load(path, weights_only=True) opens: 'model' (state_dict), 'ema' (moving average), " +
    "'optimizer' (state of torch.optim.AdamW) and 'steps', where the checkpoint has them; 'config', the text of config.json.",
  options: {
    checkpoint: required(folder, 'a DPAR, LlamaGen or entropy model'),
    format: required(choice(['pytorch', 'onnx']), 'what is written; onnx is not in this version'),
    output: required(path, 'file to write, such as model.pt'),
    withoutOptimizer: flag('leaves out the state of the optimizer, which is twice as large as the weights'),
  },
  run: async ({ checkpoint, format, output, withoutOptimizer }, context) => {
    if (format === 'onnx')
      throw new UsageError("--format: expected pytorch, got 'onnx', which is not in this version.");
    const result = await exportPyTorch(checkpoint, output, { optimizer: !withoutOptimizer, signal: context.signal });
    const { kind, tensors, keys, step, settingsFrom, leftOut } = result;
    if (leftOut.length > 0) context.note(`export: not in the file: ${leftOut.join(', ')}`);
    return {
      data: {
        kind,
        format,
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
  },
});
