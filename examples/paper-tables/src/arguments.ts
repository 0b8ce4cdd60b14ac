import { fileURLToPath } from 'node:url';
import { readOptions, UsageError, wholeNumber } from '@dpar/example-kit';
import { type TableName, tableNames } from './report/result.js';
import { fullSettings, quickSettings, type Settings, smokeSettings } from './settings.js';

/** The parsed command line. */
export interface Arguments {
  readonly settings: Settings;
  /** Name of the settings and of the report's folder. */
  readonly name: string;
  readonly tables: readonly TableName[];
  /** Folder of cache and reports. */
  readonly work: string;
  /** File of Inception's weights, for the official features. */
  readonly inception: string | undefined;
  /** Threads of the engine; all cores if undefined. */
  readonly threads: number | undefined;
  /** Command that repeats the run. */
  readonly command: string;
  readonly help: boolean;
}

export const usage = `npm run tables -- [options]

Reproduces the tables of the paper's supplement, each beside the paper's figures: exactly where they are arithmetic, and
scaled down to emoji elsewhere. All results are cached: the same command resumes an interrupted run.

  --quick          every table with few steps, in a quarter of an hour on two cores
  --smoke          smallest run, about a minute, which tests that everything works
  --only s1,s2     only these tables: ${tableNames.join(', ')}
                   (default: all but emoji, which measures the model of @dpar/emoji)
  --steps N        optimizer steps of the models of 16 x 16 tokens
  --seeds N        seeds of every variant (3)
  --images N       images of an evaluation (1000)
  --threads N      threads of the engine (all cores)
  --work DIR       folder of cache and reports (default examples/paper-tables/output)
  --inception FILE weights of the Inception-v3 of FID (see packages/eval): uses its features
  --help           prints this text
`;

/** Parses the command line. @throws UsageError for an invalid option. */
export function readArguments(args: readonly string[]): Arguments {
  const { steps, seeds, images, threads, only, ...values } = readOptions('tables', args, {
    quick: { type: 'boolean' },
    smoke: { type: 'boolean' },
    only: { type: 'string' },
    steps: { type: 'string' },
    seeds: { type: 'string' },
    images: { type: 'string' },
    threads: { type: 'string' },
    work: { type: 'string', default: fileURLToPath(new URL('../output', import.meta.url)) },
    inception: { type: 'string' },
    help: { type: 'boolean', default: false },
  });
  const size = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
  const base = { smoke: smokeSettings, quick: quickSettings, full: fullSettings }[size];
  const settings: { -readonly [Key in keyof Settings]: Settings[Key] } = { ...base };
  const name: string[] = [size];
  const changed = (option: string, text: string, smallest: number): number => {
    const value = wholeNumber(`tables: --${option}`, text, smallest);
    name.push(`${option}-${value}`);
    return value;
  };
  if (steps !== undefined) settings.training = { ...settings.training, steps: changed('steps', steps, 6) };
  if (seeds !== undefined) settings.seeds = Array.from({ length: changed('seeds', seeds, 1) }, (_, i) => i);
  if (images !== undefined) settings.sampling = { ...settings.sampling, images: changed('images', images, 16) };
  if (values.inception !== undefined) name.push('inception');
  return {
    settings,
    name: name.join('-'),
    tables: chosenTables(only),
    work: values.work,
    inception: values.inception,
    threads: threads === undefined ? undefined : wholeNumber('tables: --threads', threads, 1),
    command: ['npm run tables', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    help: values.help,
  };
}

function chosenTables(only: string | undefined): readonly TableName[] {
  if (only === undefined) return tableNames.filter((name) => name !== 'emoji');
  const names = only.split(',').map((name) => name.trim().toLowerCase());
  const unknown = names.filter((name) => !(tableNames as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      `tables: expected --only to name some of ${tableNames.join(', ')}, got ${unknown.join(', ')}.`,
    );
  }
  return tableNames.filter((name) => names.includes(name));
}
