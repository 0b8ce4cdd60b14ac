import type { Command } from '../command.js';
import { flops } from './flops.js';
import { forward } from './forward.js';
import { info } from './info.js';
import { patchify } from './patchify.js';

/** All subcommands, in the order of the help. */
export const commands: readonly Command[] = [forward, patchify, flops, info];

/** Subcommands of other versions. */
export const laterCommands: readonly string[] = ['tokenize', 'detokenize', 'eval', 'export', 'import'];
