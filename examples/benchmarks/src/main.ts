import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '@dpar/io/node';
import { selectBenchmarks } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { describeMachine } from './machine.js';
import { type BenchmarkResult, runBenchmarks } from './run.js';

const usage = `npm run bench -- [--only PREFIX] [--json] [--out FILE] [--rounds N] [--threads N]

  --only PREFIX  runs the benchmarks whose names begin so (the one of just that name, if there is one); may be repeated
  --json         prints the figures as JSON on stdout
  --out FILE     writes the figures as JSON
  --rounds N     measurements of each, of which the median counts (default: 7; slow ones are measured 2 or 3 times)
  --threads N    threads of the engine (default: all cores)

${benchmarks.map(({ name, onlyWith }) => (onlyWith ? `${name} (only with --only ${onlyWith})` : name)).join('\n')}
`;

/** Share of busy cores above which figures are doubtful. */
const quiet = 0.1;

async function main(): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse();
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const unknown = values.only.find((prefix) => selectBenchmarks(benchmarks, [prefix]).length === 0);
  const selected = selectBenchmarks(benchmarks, values.only);
  if (unknown !== undefined) {
    process.stderr.write(`bench: expected the beginning of a benchmark's name, got '${unknown}'.\n\n${usage}`);
    return 2;
  }
  const report = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const machine = await describeMachine(values.threads);
  if (machine.busyBefore > quiet) {
    const busy = (100 * machine.busyBefore).toFixed(0);
    report(`expected a quiet machine, got one whose cores are ${busy} % busy. Figures will be too low.`);
  }
  const results = await runBenchmarks(selected, { ...values, report });
  const json = `${JSON.stringify({ machine, results }, null, 2)}\n`;
  if (values.out !== undefined) await writeFileAtomic(values.out, json);
  process.stdout.write(values.json ? json : formatResults(results));
  return results.length === selected.length ? 0 : 1;
}

function parse() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [''] },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      threads: { type: 'string', default: `${availableParallelism()}` },
      help: { type: 'boolean', default: false },
    },
  });
  return { ...values, rounds: countOf('--rounds', values.rounds), threads: countOf('--threads', values.threads) };
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new Error(`${name}: expected a whole number from 1 up, got '${text}'.`);
}

function formatResults(results: readonly BenchmarkResult[]): string {
  return results
    .map(({ name, ...figures }) => {
      const lines = Object.entries(figures).map(([figure, value]) => `  ${figure.padEnd(22)}${formatFigure(value)}`);
      return `${name}\n${lines.join('\n')}\n`;
    })
    .join('');
}

function formatFigure(value: string | number): string {
  if (typeof value === 'string') return value;
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(4);
}

process.exitCode = await main();
