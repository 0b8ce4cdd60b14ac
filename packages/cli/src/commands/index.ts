import type { Command } from '../command/command.js';
import { calibrate } from './calibrate.js';
import { correlate } from './correlate.js';
import { create } from './create.js';
import { detokenize } from './detokenize.js';
import { entropy } from './entropy.js';
import { evaluate } from './eval.js';
import { exportCheckpoint } from './export.js';
import { features } from './features.js';
import { flops } from './flops.js';
import { forward } from './forward.js';
import { importWeights } from './import.js';
import { info } from './info.js';
import { merge } from './merge.js';
import { page } from './page.js';
import { patchify } from './patchify.js';
import { play } from './play.js';
import { report } from './report.js';
import { sample } from './sample.js';
import { tokenize } from './tokenize.js';
import { train } from './train.js';

/** All subcommands, in the order of the help. */
export const commands: readonly Command[] = [
  create,
  train,
  report,
  sample,
  page,
  play,
  tokenize,
  detokenize,
  forward,
  entropy,
  calibrate,
  patchify,
  correlate,
  merge,
  features,
  evaluate,
  exportCheckpoint,
  importWeights,
  flops,
  info,
];
