import type { Benchmark } from '../benchmark.js';
import { benchmarksFor } from '../benchmarks/index.js';
import { type Check, runCheck } from './check.js';
import { type CheckSettings, runBench } from './commands.js';

/** Benchmarks that a software device can run. */
const small = /sample\/emoji-dpar\/batch-1$/;

/** Measurements of each benchmark. */
const rounds = 2;

/** Runs the benchmarks of the device, the smallest models first. */
export async function checkBenchmarks(settings: CheckSettings): Promise<Check[]> {
  const selected = benchmarksFor(settings.device).filter(({ name }) => !settings.small || small.test(name));
  const checks: Check[] = [];
  for (const group of new Set(selected.map((benchmark) => benchmark.group))) {
    checks.push(
      ...(await measure(
        settings,
        selected.filter((benchmark) => benchmark.group === group),
      )),
    );
  }
  return checks;
}

/** Measures the benchmarks of a group in turn. */
async function measure(settings: CheckSettings, group: readonly Benchmark[]): Promise<Check[]> {
  let figures: Readonly<Record<string, Readonly<Record<string, number>>>> = {};
  let errors: readonly string[] = [];
  const options = ['--json', '--rounds', `${settings.small ? 1 : rounds}`, '--threads', `${settings.threads}`];
  const whole = await runCheck('benchmarks', settings.budget, async () => {
    const args = [...options, ...group.flatMap(({ name }) => ['--only', name])];
    const { stdout, stderr } = await runBench(args, settings.budget);
    errors = stderr.trim().split('\n');
    if (stdout === '') throw new Error(errors.at(-1));
    const { results } = JSON.parse(stdout) as { results: readonly (Record<string, number> & { name: string })[] };
    figures = Object.fromEntries(results.map(({ name, ...numbers }) => [name, numbers]));
    return { about: 'measured' };
  });
  const seconds = whole.seconds / group.length;
  return group.map(({ name, group }): Check => {
    const found = figures[name];
    const check = { ...whole, name: `bench/${name}`, seconds };
    if (found !== undefined) return { ...check, figures: found };
    if (whole.status !== 'passed') return check;
    const line = errors.findLast((text) => text.includes(`${name}: `) || text.includes(`${group}: `)) ?? 'no figures';
    return { ...check, status: line.includes('left out') ? 'not run' : 'failed', about: line.replace('bench: ', '') };
  });
}
