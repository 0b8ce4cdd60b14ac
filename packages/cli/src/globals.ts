import { choice, flag, type Options, optional, type Values, wholeNumber } from './options.js';

/** The options of all commands. */
export const globals = {
  engine: optional(choice(['ort', 'tfjs']), 'what computes: ONNX Runtime or TensorFlow.js', 'ort'),
  device: optional(choice(['cpu', 'webgpu', 'cuda']), 'where it computes', 'cpu'),
  threads: optional(wholeNumber(1, 1024), 'threads (default: the cores that taskset, Slurm or the container leave)'),
  json: flag('prints one JSON document on stdout and nothing else there'),
  quiet: flag('shows no progress and no notes'),
  debug: flag('shows the stack trace of an error'),
} satisfies Options;

/** Their values. */
export type Globals = Values<typeof globals>;
