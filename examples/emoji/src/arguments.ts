import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defaultMinutes } from './settings.js';

/** What the command line asks for. */
export interface Arguments {
  readonly minutes: number;
  readonly smoke: boolean;
  readonly seed: number;
  /** Folder of the report. */
  readonly output: string;
  /** Folder in which the model of `@dpar/emoji` is trained, if that is what is wanted. */
  readonly makeModel: string | undefined;
  /** Folder in which DPAR and LlamaGen are compared over several seeds, if that is what is wanted. */
  readonly learning: string | undefined;
  readonly help: boolean;
}

export const usage = `npm run demo -- [options]

Trains a tokenizer, an entropy model, DPAR and LlamaGen on emoji, generates images with both and writes a report.

  --minutes M    about how long to take on two cores (default ${defaultMinutes}); more gives better images
  --smoke        the shortest run, under a minute, that shows that everything works
  --seed S       same seed, same images (default 0)
  --output DIR   where the report goes (default examples/emoji/output)
  --make-model DIR  trains the model that @dpar/emoji ships instead (hours; started again, it goes on)
  --learning DIR  compares how DPAR and LlamaGen of equal size learn instead, three seeds each (half an hour)
  --help         prints this
`;

/** A mistake in the command line. */
export class UsageError extends Error {}

/** @throws UsageError saying what was expected. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parse(args);
  const minutes = Number(values.minutes ?? defaultMinutes);
  const seed = Number(values.seed ?? 0);
  if (!(minutes >= 3 && minutes <= 10000)) {
    throw new UsageError(`demo: expected --minutes from 3 to 10000, got ${values.minutes}. --smoke is shorter.`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new UsageError(`demo: expected --seed to be a whole number >= 0, got ${values.seed}.`);
  }
  // The program lies in dist/ (or src/), beside which the output goes.
  const output = values.output ?? fileURLToPath(new URL('../output', import.meta.url));
  return {
    minutes,
    seed,
    output,
    smoke: values.smoke ?? false,
    help: values.help ?? false,
    makeModel: values['make-model'],
    learning: values.learning,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        smoke: { type: 'boolean' },
        seed: { type: 'string' },
        output: { type: 'string' },
        'make-model': { type: 'string' },
        learning: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(`demo: ${error instanceof Error ? error.message : error}`);
  }
}
