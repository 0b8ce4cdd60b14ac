import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UsageError } from './run-program.js';
import { defaultMinutes } from './settings.js';

/** What the command line asks for. */
export interface Arguments {
  /** `train` is the demo, `learning` a comparison; `make-model` and `pack-model` make what `@dpar/emoji` ships. */
  readonly task: 'train' | 'learning' | 'pretrained' | 'make-model' | 'pack-model';
  readonly minutes: number;
  readonly smoke: boolean;
  readonly seed: number;
  /** Images of each class that `pretrained` draws. */
  readonly count: number;
  /** Folder of the report and of pictures. */
  readonly output: string;
  /** Folder of `learning`, `make-model` or `pack-model`. */
  readonly folder: string;
  /** What computes: ONNX Runtime or TensorFlow.js. */
  readonly engine: EngineName;
  readonly help: boolean;
}

const engineNames = ['ort', 'tfjs'] as const;

/** Name of an engine. */
export type EngineName = (typeof engineNames)[number];

export const usage = `npm run demo -- [options]

Trains a tokenizer, an entropy model, DPAR and LlamaGen on emoji, generates images with both and writes a report.

  --minutes M    about how long to take on two cores (default ${defaultMinutes}); more gives better images
  --smoke        the shortest run, under a minute, that shows that everything works
  --seed S       same seed, same images (default 0)
  --engine E     ort (ONNX Runtime, default) or tfjs (the best TensorFlow.js backend that is installed; see
                 packages/engine-tfjs for how long it takes)
  --output DIR   where the report goes (default examples/emoji/output)
  --learning DIR  compares how DPAR and LlamaGen of equal size learn instead, three seeds each (a quarter of an hour)
  --help         prints this

With the model that the package @dpar/emoji ships, without training:

  --pretrained   draws images of all classes, within seconds: pretrained.png
  --count N      images of each class (default 4)

For a new version of that package:

  --make-model DIR  trains its model (hours; started again, it goes on)
  --pack-model DIR  puts the best weights of DIR so far into packages/emoji, with their figures
`;

/** @throws UsageError saying what was expected. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parse(args);
  const minutes = Number(values.minutes ?? defaultMinutes);
  if (!(minutes >= 3 && minutes <= 10000)) {
    throw new UsageError(`demo: expected --minutes from 3 to 10000, got ${values.minutes}. --smoke is shorter.`);
  }
  const tasks = (['learning', 'pretrained', 'make-model', 'pack-model'] as const).filter(
    (name) => values[name] !== undefined,
  );
  if (tasks.length > 1) {
    throw new UsageError(`demo: expected one thing to do, got ${tasks.map((name) => `--${name}`).join(' and ')}.`);
  }
  const engine = engineNames.find((name) => name === (values.engine ?? 'ort'));
  if (engine === undefined) {
    throw new UsageError(`demo: expected --engine to be one of ${engineNames.join(', ')}, got ${values.engine}.`);
  }
  // The program lies in dist/ (or src/), beside which the output goes.
  const output = values.output ?? fileURLToPath(new URL('../output', import.meta.url));
  return {
    task: tasks[0] ?? 'train',
    minutes,
    engine,
    seed: wholeNumber('seed', values.seed ?? '0', 0, Number.MAX_SAFE_INTEGER),
    count: wholeNumber('count', values.count ?? '4', 1, 100),
    output,
    smoke: values.smoke ?? false,
    help: values.help ?? false,
    folder: values.learning ?? values['make-model'] ?? values['pack-model'] ?? '',
  };
}

function wholeNumber(name: string, text: string, smallest: number, largest: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= smallest && value <= largest) return value;
  throw new UsageError(`demo: expected --${name} to be a whole number from ${smallest} to ${largest}, got ${text}.`);
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
        pretrained: { type: 'boolean' },
        count: { type: 'string' },
        'make-model': { type: 'string' },
        'pack-model': { type: 'string' },
        learning: { type: 'string' },
        engine: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(`demo: ${error instanceof Error ? error.message : error}`);
  }
}
