import { choice, flag, type Options, optional, type Values, wholeNumber } from './options.js';

/** Options of all commands. */
export const globals = {
  engine: optional(choice(['ort', 'tfjs']), 'engine: ONNX Runtime or TensorFlow.js', 'ort'),
  device: optional(choice(['cpu', 'webgpu', 'cuda']), 'device to compute on', 'cpu'),
  threads: optional(
    wholeNumber(1, 1024),
    'number of threads (default: the cores that taskset, Slurm or the container allow)',
  ),
  json: flag('print one JSON document on stdout, and nothing else there'),
  quiet: flag('show no progress and no notes'),
  debug: flag('show the stack trace of an error'),
} satisfies Options;

/** Values of {@link globals}. */
export type Globals = Values<typeof globals>;
