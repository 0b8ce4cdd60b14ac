import { mkdir, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { createRandom } from '@dpar/tensor';
import { contentsOf, differencesOf, entriesBelow, isHidden } from './contents.js';
import type { RunningProgram } from './dpar.js';

/** A program to kill. */
export interface Killable {
  readonly name: string;
  start(): RunningProgram;
  /** Folder in which the command writes nothing but its output. */
  readonly place: string;
  readonly timed?: RegExp | undefined;
}

/** Moments at which kills hit a command. */
export interface KillCounts {
  /** Before its first file. */
  startUp: number;
  /** While a file was being written: a hidden one was left. */
  writing: number;
  /** At other moments. */
  working: number;
}

/** Outcome of the kills of a command. */
export interface KillResult {
  readonly name: string;
  readonly kills: KillCounts;
  /** Times that the command ran to its end after kills. */
  readonly completed: number;
  readonly faults: readonly string[];
}

/** Most new files that a kill waits for. */
const mostEvents = 6;

/** Kills between two runs to the end. */
const killsInRow = 6;

/**
 * Kills a command at random moments and starts it again, until it has been killed often enough. After some kills it runs to
 * its end, and its files are compared with those of an undisturbed run.
 * @param report Called after each run to the end.
 */
export async function killOften(
  command: Killable,
  kills: number,
  random: ReturnType<typeof createRandom>,
  report: (killed: number) => void = () => {},
): Promise<KillResult> {
  const { name, place, timed } = command;
  const faults: string[] = [];
  const counts: KillCounts = { startUp: 0, writing: 0, working: 0 };
  const begin = performance.now();
  await anew(place);
  await finish(command, faults, 'undisturbed');
  let milliseconds = performance.now() - begin;
  const expected = contentsOf(place, timed);
  if (expected.size === 0)
    throw new Error(`${name}: expected files of an undisturbed run, got none. ${faults.join(' ')}`);
  let [killed, completed, tried] = [0, 0, 0];
  while (killed < kills) {
    await anew(place);
    const moments: string[] = [];
    // A run that ends before its moment has come was not killed. The next one starts from nothing.
    for (let row = 0; row < killsInRow && killed < kills; row++) {
      const moment = momentOf(tried++, { milliseconds, files: expected.size }, random);
      const started = performance.now();
      const hit = await killAt(command, moment);
      if (hit === undefined) {
        // The machine may be less busy by now. Resumed runs are shorter.
        if (row === 0) milliseconds = Math.min(milliseconds, performance.now() - started);
        break;
      }
      counts[hit]++;
      killed++;
      moments.push(`${describeMoment(moment)} (${hit})`);
    }
    const after = `after kills ${moments.join(', ')}`;
    const ended = await finish(command, faults, after);
    completed++;
    if (ended) {
      for (const difference of differencesOf(expected, contentsOf(place, timed))) {
        faults.push(`${name}: ${difference} ${after}.`);
      }
      for (const left of entriesBelow(place).filter(isHidden)) faults.push(`${name}: '${left}' is left ${after}.`);
    }
    report(killed);
  }
  await rm(place, { recursive: true, force: true });
  return { name, kills: counts, completed, faults };
}

async function anew(place: string): Promise<void> {
  await rm(place, { recursive: true, force: true });
  await mkdir(place);
}

/** Runs a command to its end. @returns False if it failed, which is a fault. */
async function finish({ name, start }: Killable, faults: string[], when: string): Promise<boolean> {
  const { status, signal, stderr } = await start().end;
  if (status === 0) return true;
  faults.push(`${name}: ended with ${signal ?? status} ${when}: ${stderr.trim().slice(0, 500)}`);
  return false;
}

/** A moment of a run. */
interface Moment {
  /** Event that must come first: the start, a new file, or a file that is being written. */
  readonly event: 'start' | 'file' | 'writing';
  /** Number of such events. */
  readonly times: number;
  /** Milliseconds after it. */
  readonly delay: number;
}

/** Draws a moment. @param undisturbed Duration and number of files of an undisturbed run. */
function momentOf(
  number: number,
  { milliseconds, files }: Readonly<Record<'milliseconds' | 'files', number>>,
  random: ReturnType<typeof createRandom>,
): Moment {
  const times = 1 + random.integer(Math.min(files, mostEvents));
  switch (number % 3) {
    case 0:
      return { event: 'start', times: 0, delay: random.uniform() * milliseconds };
    case 1:
      return { event: 'file', times, delay: random.uniform() * 20 };
    default:
      return { event: 'writing', times, delay: random.uniform() * 2 };
  }
}

const describeMoment = ({ event, times, delay }: Moment): string =>
  event === 'start' ? `${Math.round(delay)} ms after the start` : `${delay.toFixed(1)} ms after ${event} ${times}`;

/** Starts a command and kills it. @returns What the kill hit; undefined if the command ended before. */
async function killAt({ start, place }: Killable, moment: Moment): Promise<keyof KillCounts | undefined> {
  const { child, end } = start();
  const running = () => child.exitCode === null && child.signalCode === null;
  if (moment.event !== 'start') {
    const seen = new Set(entriesBelow(place));
    let times = 0;
    while (running() && times < moment.times) {
      for (const path of entriesBelow(place)) {
        if (seen.has(path)) continue;
        seen.add(path);
        if (isHidden(path) === (moment.event === 'writing')) times++;
      }
      await setTimeout(1);
    }
  }
  await Promise.race([setTimeout(moment.delay, undefined, { ref: false }), end]);
  child.kill('SIGKILL');
  const { signal } = await end;
  if (signal !== 'SIGKILL') return undefined;
  const entries = entriesBelow(place);
  if (entries.length === 0) return 'startUp';
  return entries.some(isHidden) ? 'writing' : 'working';
}
