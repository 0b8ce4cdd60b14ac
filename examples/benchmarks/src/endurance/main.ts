import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions, UsageError, wholeNumber } from '@dpar/example-kit';
import { writeFileAtomic } from '@dpar/io/node';
import { describeMachine } from '../machine.js';
import { fuzzPart } from './fuzz/main.js';
import { killsPart } from './kills/main.js';
import { memoryPart } from './memory/main.js';
import type { EnduranceSettings, Part } from './part.js';
import { type EnduranceReport, enduranceMarkdown, holds } from './report.js';

const parts: readonly Part[] = [memoryPart, killsPart, fuzzPart];

/** Help text of the endurance run. */
export const enduranceUsage = `npm run bench -- --endurance [--only PART] [--tokens N] [--steps N] [--kills N] [--minutes M] [--seed S] [--output FOLDER]

Shows that memory does not grow, that killed commands end with the same bytes when they are started again, and that damaged files
are refused. Writes endurance.md and endurance.json. The exit status is 1 if something does not hold.

  --only PART      ${parts.map(({ name }) => name).join(', ')}; can be repeated (default: all)
  --tokens N       tokens that each of three samplers draws (default: 1000000)
  --steps N        training steps (default: 10000)
  --kills N        processes of the command killed (default: 500)
  --minutes M      minutes of damaged files (default: 60)
  --seed S         seed of all random choices (default: 1)
  --output FOLDER  folder of the report (default: examples/benchmarks/output)
`;

/** Runs the parts. @param argv Options, with \`--endurance\`. */
export async function runEndurance(argv: readonly string[]): Promise<void> {
  const values = readOptions('bench', argv, {
    endurance: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    tokens: { type: 'string', default: '1000000' },
    steps: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '500' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    output: { type: 'string', default: fileURLToPath(new URL('../output', import.meta.url)) },
    help: { type: 'boolean', default: false },
  });
  if (values.help) {
    process.stdout.write(enduranceUsage);
    return;
  }
  const unknown = values.only.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined) {
    const names = parts.map(({ name }) => name).join(', ');
    throw new UsageError(`bench: --only: expected one of ${names}, got '${unknown}'.`);
  }
  const settings: EnduranceSettings = {
    tokens: wholeNumber('bench: --tokens', values.tokens, 1),
    steps: wholeNumber('bench: --steps', values.steps, 100),
    kills: wholeNumber('bench: --kills', values.kills, 1),
    minutes: minutesOf(values.minutes),
    seed: wholeNumber('bench: --seed', values.seed, 0),
    output: resolve(values.output),
    report: (line) => void process.stderr.write(`bench: ${line}\n`),
  };
  const machine = await describeMachine(1);
  const done: EnduranceReport['parts'][number][] = [];
  for (const { name, title, run } of parts) {
    if (values.only.length > 0 && !values.only.includes(name)) continue;
    const begin = performance.now();
    const result = await run(settings);
    done.push({ name, title, ...result, seconds: (performance.now() - begin) / 1000 });
  }
  const command = ['npm run bench', '--', ...argv].join(' ');
  const report = { machine, date: new Date().toISOString(), command, seed: settings.seed, parts: done };
  await mkdir(settings.output, { recursive: true });
  const markdown = enduranceMarkdown(report);
  await writeFileAtomic(join(settings.output, 'endurance.md'), markdown);
  await writeFileAtomic(join(settings.output, 'endurance.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(markdown);
  process.exitCode = holds(report) ? 0 : 1;
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (text.trim() !== '' && Number.isFinite(minutes) && minutes > 0) return minutes;
  throw new UsageError(`bench: --minutes: expected a number above 0, got '${text}'.`);
}
