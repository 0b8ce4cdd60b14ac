import { fileURLToPath } from 'node:url';
import { readOptions, UsageError, wholeNumber } from '@dpar/example-kit';

/** Minutes of `npm run demo`. */
const defaultMinutes = 10;

const engineNames = ['ort', 'tfjs'] as const;

/** Name of an engine: ONNX Runtime or TensorFlow.js. */
export type EngineName = (typeof engineNames)[number];

/** Tasks that an option selects. */
const otherTasks = ['learning', 'pretrained', 'make-model', 'pack-model'] as const;

/** The parsed command line. */
export interface Arguments {
  /** `train` is the demo, `learning` a comparison; `make-model` and `pack-model` make the weights of `@dpar/emoji`. */
  readonly task: 'train' | (typeof otherTasks)[number];
  readonly minutes: number;
  /** True to train a LlamaGen beside DPAR. */
  readonly compare: boolean;
  readonly smoke: boolean;
  readonly seed: number;
  /** Images of each class that `pretrained` draws. */
  readonly count: number;
  /** Folder of the report and of pictures. */
  readonly output: string;
  /** Folder of `learning`, `make-model` or `pack-model`. */
  readonly folder: string;
  readonly engine: EngineName;
  readonly help: boolean;
}

export const usage = `npm run demo -- [options]

Trains a tokenizer, an entropy model and DPAR on emoji, as dpar create does on any folder of pictures, and writes a grid and a report.
Run again after an interruption, it resumes.

  --minutes M    approximate time on two cores (default ${defaultMinutes}); a longer run gives better images
  --compare      also trains a LlamaGen of the same size, in the same time
  --smoke        shortest run (under a minute), which tests that everything works
  --seed S       seed of everything random (default 0)
  --engine E     ort (ONNX Runtime, default) or tfjs (the fastest installed TensorFlow.js backend; packages/engine-tfjs
                 lists its speed)
  --output DIR   folder of pictures and runs (default examples/emoji/output)
  --learning DIR  compares how DPAR and LlamaGen of equal size learn, from three seeds each (15 minutes)
  --help         prints this text

Without training, with the weights of the package @dpar/emoji:

  --pretrained   draws images of all classes within seconds: pretrained.png
  --count N      images of each class (default 4)

For a new version of that package:

  --make-model DIR  trains its models (hours) and writes them to packages/emoji; resumes an interrupted run
  --pack-model DIR  writes the best weights in DIR so far to packages/emoji, with their figures
`;

/** Parses the command line. @throws UsageError for an invalid option. */
export function readArguments(args: readonly string[]): Arguments {
  const values = readOptions('demo', args, {
    minutes: { type: 'string' },
    compare: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    seed: { type: 'string', default: '0' },
    // The program lies in dist/ (or src/), beside the output.
    output: { type: 'string', default: fileURLToPath(new URL('../output', import.meta.url)) },
    pretrained: { type: 'boolean' },
    count: { type: 'string', default: '4' },
    'make-model': { type: 'string' },
    'pack-model': { type: 'string' },
    learning: { type: 'string' },
    engine: { type: 'string', default: 'ort' },
    help: { type: 'boolean', default: false },
  });
  const minutes = Number(values.minutes ?? defaultMinutes);
  if (!(minutes >= 3 && minutes <= 10000)) {
    throw new UsageError(
      `demo: expected --minutes from 3 to 10000, got ${values.minutes}. Pass --smoke for a shorter run.`,
    );
  }
  const tasks = otherTasks.filter((name) => values[name] !== undefined);
  if (tasks.length > 1) {
    throw new UsageError(`demo: expected one task, got ${tasks.map((name) => `--${name}`).join(' and ')}.`);
  }
  const engine = engineNames.find((name) => name === values.engine);
  if (engine === undefined) {
    throw new UsageError(`demo: expected --engine to be one of ${engineNames.join(', ')}, got ${values.engine}.`);
  }
  return {
    task: tasks[0] ?? 'train',
    minutes,
    engine,
    compare: values.compare,
    seed: wholeNumber('demo: --seed', values.seed, 0),
    count: wholeNumber('demo: --count', values.count, 1, 100),
    output: values.output,
    smoke: values.smoke,
    help: values.help,
    folder: values.learning ?? values['make-model'] ?? values['pack-model'] ?? '',
  };
}
