import { availableParallelism } from 'node:os';
import { findPython, readOptions, runProgram, UsageError, wholeNumber } from '@dpar/example-kit';
import { writeFileAtomic } from '@dpar/io/node';
import { selectBenchmarks, withoutObstacles } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { enduranceUsage, runEndurance } from './endurance/main.js';
import { describeMachine, warnIfBusy } from './machine.js';
import { comparePeers, peersUsage } from './peers/main.js';
import { type BenchmarkResult, runBenchmarks } from './run.js';

/** Prefixes of benchmarks that do not run by default. Those with a full name are too many to list. */
const onlySelected = [
  ...new Set(benchmarks.flatMap(({ name, onlyWith = name }) => (onlyWith === name ? [] : [onlyWith]))),
];

const usage = `npm run bench -- [--only PREFIX] [--json] [--out FILE] [--rounds N] [--threads N]

  --only PREFIX  benchmarks whose names begin with PREFIX, or the one with exactly this name; can be repeated
  --json         prints the figures to stdout as JSON
  --out FILE     writes the figures as JSON
  --rounds N     measurements of each benchmark, whose median is reported (default: 7; slow ones run 2 or 3 times)
  --threads N    threads of the engine (default: all cores)

\`npm run bench -- --peers\` compares with other libraries and writes a page: see its \`--help\`.
\`npm run bench -- --endurance\` shows what holds under load: see its \`--help\`.
Figures of PyTorch 2 appear if the environment variable DPAR_PYTHON names a Python that has it, or python3 has.

${benchmarks.flatMap(({ name, onlyWith }) => (onlyWith === undefined ? [name] : [])).join('\n')}

Only if selected, as are other batches and formats of sample/ by their full names (see examples/benchmarks/README.md):
${onlySelected.join('\n')}
`;

async function main(): Promise<void> {
  const values = readOptions('bench', process.argv.slice(2), {
    only: { type: 'string', multiple: true, default: [''] },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: `${availableParallelism()}` },
    help: { type: 'boolean', default: false },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const rounds = wholeNumber('bench: --rounds', values.rounds, 1);
  const threads = wholeNumber('bench: --threads', values.threads, 1);
  const unknown = values.only.find((prefix) => selectBenchmarks(benchmarks, [prefix]).length === 0);
  if (unknown !== undefined) {
    throw new UsageError(`bench: expected the beginning of a benchmark's name, got '${unknown}'.`);
  }
  const report = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const selected = await withoutObstacles(selectBenchmarks(benchmarks, values.only), report);
  const pytorch = selected.some(({ usesPytorch }) => usesPytorch) ? await findPython('torch') : undefined;
  if (pytorch !== undefined) report(`compares with PyTorch ${pytorch.version} of ${pytorch.command}`);
  const machine = await describeMachine(threads, pytorch?.version);
  warnIfBusy(machine);
  const results = await runBenchmarks(selected, { rounds, threads, pytorch: pytorch !== undefined, report });
  const json = `${JSON.stringify({ machine, results }, null, 2)}\n`;
  if (values.out !== undefined) await writeFileAtomic(values.out, json);
  process.stdout.write(values.json ? json : formatResults(results));
  process.exitCode = results.length === selected.length ? 0 : 1;
}

function formatResults(results: readonly BenchmarkResult[]): string {
  return results
    .map(({ name, ...figures }) => {
      const lines = Object.entries(figures).map(([figure, value]) => `  ${figure.padEnd(30)}${formatFigure(value)}`);
      return `${name}\n${lines.join('\n')}\n`;
    })
    .join('');
}

function formatFigure(value: string | number): string {
  if (typeof value === 'string') return value;
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(4);
}

const argv = process.argv.slice(2);
if (argv.includes('--peers')) runProgram(() => comparePeers(argv), peersUsage);
else if (argv.includes('--endurance')) runProgram(() => runEndurance(argv), enduranceUsage);
else runProgram(main, usage);
