import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UsageError } from '../../emoji/src/run-program.js';
import { type TableName, tableNames } from './report/result.js';
import { fullSettings, quickSettings, type Settings, smokeSettings } from './settings.js';

/** What the command line asks for. */
export interface Arguments {
  readonly settings: Settings;
  /** Name of the settings, which the report's folder has. */
  readonly name: string;
  readonly tables: readonly TableName[];
  /** Cache and reports. */
  readonly work: string;
  /** File of Inception's weights, for the official features. */
  readonly inception: string | undefined;
  /** Of the engine; as many as there are cores if undefined. */
  readonly threads: number | undefined;
  /** The command that repeats the run. */
  readonly command: string;
  readonly help: boolean;
}

export const usage = `npm run tables -- [options]

Makes the tables of the paper's supplement again, each beside the paper's figures: exactly where they are arithmetic, scaled
down to emoji elsewhere. What was trained or measured is kept: a run that was stopped goes on where it was.

  --quick          every table with few steps, in a quarter of an hour on two cores
  --smoke          the smallest run, about a minute, that shows that everything works
  --only s1,s2     only these tables: ${tableNames.join(', ')}
  --steps N        optimizer steps of the models of 16 x 16 tokens
  --seeds N        seeds of every variant (3)
  --images N       images of an evaluation (1000)
  --threads N      threads of the engine (all cores)
  --work DIR       cache and reports (default examples/paper-tables/output)
  --inception FILE weights of the Inception-v3 of FID (see packages/eval), whose features are then used
  --help           prints this
`;

/** @throws UsageError saying what was expected. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parse(args);
  const size = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
  const base = { smoke: smokeSettings, quick: quickSettings, full: fullSettings }[size];
  const steps = values.steps === undefined ? undefined : wholeNumber('steps', values.steps, 6);
  const seeds = values.seeds === undefined ? undefined : wholeNumber('seeds', values.seeds, 1);
  const images = values.images === undefined ? undefined : wholeNumber('images', values.images, 16);
  const settings: Settings = {
    ...base,
    ...(seeds !== undefined && { seeds: Array.from({ length: seeds }, (_, i) => i) }),
    ...(steps !== undefined && { training: { ...base.training, steps } }),
    ...(images !== undefined && { sampling: { ...base.sampling, images } }),
  };
  const changes = [
    steps !== undefined && `steps-${steps}`,
    seeds !== undefined && `seeds-${seeds}`,
    images !== undefined && `images-${images}`,
    values.inception !== undefined && 'inception',
  ].filter(Boolean);
  return {
    settings,
    name: [size, ...changes].join('-'),
    tables: chosenTables(values.only),
    work: values.work ?? fileURLToPath(new URL('../output', import.meta.url)),
    inception: values.inception,
    threads: values.threads === undefined ? undefined : wholeNumber('threads', values.threads, 1),
    command: ['npm run tables', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    help: values.help ?? false,
  };
}

function chosenTables(only: string | undefined): readonly TableName[] {
  if (only === undefined) return tableNames;
  const names = only.split(',').map((name) => name.trim().toLowerCase());
  const unknown = names.filter((name) => !(tableNames as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      `tables: expected --only to name some of ${tableNames.join(', ')}, got ${unknown.join(', ')}.`,
    );
  }
  return tableNames.filter((name) => names.includes(name));
}

function wholeNumber(name: string, text: string, smallest: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= smallest) return value;
  throw new UsageError(`tables: expected --${name} to be a whole number from ${smallest} up, got ${text}.`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        smoke: { type: 'boolean' },
        only: { type: 'string' },
        steps: { type: 'string' },
        seeds: { type: 'string' },
        images: { type: 'string' },
        threads: { type: 'string' },
        work: { type: 'string' },
        inception: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(`tables: ${error instanceof Error ? error.message : error}`);
  }
}
