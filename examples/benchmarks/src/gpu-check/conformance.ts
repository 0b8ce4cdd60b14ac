import { fork } from 'node:child_process';
import { type Check, type Findings, runCheck, TimeUp } from './check.js';
import type { CheckSettings } from './commands.js';

/** Result of one case. */
export interface CaseResult {
  readonly name: string;
  /** False for a case that WebGPU's language leaves to drivers. */
  readonly required: boolean;
  /** First difference from the reference, or the error; undefined for a case that passes. */
  readonly mismatch?: string;
}

/** Message of the process: the names of all cases first, then each result. */
export type ConformanceMessage = { readonly cases: readonly string[] } | { readonly result: CaseResult };

/** Part of the time that the cases may take. */
const largestShare = 0.5;

/** Of how many cases a small run takes one. */
const smallEvery = 20;

/** Cases at which a process may end before the others are given up. */
const patience = 5;

/** Runs the conformance suite: each primitive with its gradients, against the reference. */
export async function checkConformance(settings: CheckSettings): Promise<Check[]> {
  const budget = settings.budget.share(largestShare);
  return [await runCheck('conformance', budget, () => runAll({ ...settings, budget }))];
}

async function runAll(settings: CheckSettings): Promise<Findings> {
  const run: Run = { cases: [], results: [] };
  let end = '';
  for (let ended = 0; ended < patience; ended++) {
    end = await runRest(settings, run);
    if (end === finished || end === late) break;
    const name = run.cases[run.results.length];
    if (name === undefined) throw new Error(`expected results of cases, got the end of their process (${end})`);
    run.results.push({ name, required: true, mismatch: `the process ended (${end})` });
  }
  if (run.results.length === 0) throw new TimeUp(end);
  return describe(run, end);
}

/** Cases, and the results of those that have run. */
interface Run {
  cases: readonly string[];
  readonly results: CaseResult[];
}

const finished = 'all cases have run';
const late = 'the time was up';

/** Runs the cases that have no result yet, in a process of its own. @returns How it ended. */
function runRest({ device, threads, small, budget }: CheckSettings, run: Run): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { device, threads, every: small ? smallEvery : 1, from: run.results.length };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const stdio: ('ignore' | 'pipe' | 'ipc')[] = ['ignore', 'ignore', 'pipe', 'ipc'];
    const child = fork(new URL('./conformance-worker.js', import.meta.url), args, { stdio });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, budget.left);
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('message', (message: ConformanceMessage) => {
      if ('result' in message) run.results.push(message.result);
      else run.cases = message.cases;
    });
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      const lastLine = errors.trim().split('\n').at(-1);
      if (run.cases.length > 0 && run.results.length === run.cases.length) resolve(finished);
      else resolve(isLate ? late : [signal ?? `status ${status}`, ...(lastLine ? [lastLine] : [])].join(', '));
    });
  });
}

function describe({ cases, results }: Run, end: string): Findings {
  const wrong = results.filter(({ mismatch }) => mismatch !== undefined);
  const failed = wrong.filter(({ required }) => required).length;
  const left = wrong.length - failed;
  const open = cases.length - results.length;
  const parts = [`${results.length - wrong.length} of ${cases.length} cases agree with the reference`];
  if (failed > 0) parts.push(`${failed} differ`);
  if (left > 0) parts.push(`${left} differ that WebGPU leaves to drivers (sine, cosine, special values)`);
  if (open > 0) parts.push(`${open} not run, ${end}`);
  return {
    status: failed > 0 ? 'failed' : open > 0 ? 'not run' : 'passed',
    about: parts.join('; '),
    lines: wrong.map(({ name, mismatch, required }) => `${name}: ${mismatch}${required ? '' : ' (left to drivers)'}`),
  };
}
