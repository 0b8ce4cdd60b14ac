import { fork } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { EnduranceSettings, Part } from '../part.js';
import { mostBytes, mostSeconds } from './case.js';
import type { FuzzReader } from './reader.js';
import { fuzzReaders } from './readers.js';
import { caseFile, type FuzzCounts, type FuzzFault, type FuzzMessage, filesFolder } from './work.js';

/** Seconds without a new case after which a process counts as hung. A busy machine takes long for a case, but not this long. */
const hungSeconds = 120;

/** Processes of a reader that may end early before it is left. */
const mostCrashes = 10;

/** Last characters of the errors of a process that a fault shows. */
const shownCharacters = 1000;

/** A fault with the file that caused it. */
interface KeptFault extends FuzzFault {
  readonly reader: string;
  /** Cases of this kind. */
  readonly cases: number;
  /** Copy of the damaged file. */
  readonly file: string;
}

/** Outcomes of a reader with its damaged files. */
interface FuzzResult extends FuzzCounts {
  readonly name: string;
  readonly faults: readonly KeptFault[];
}

/** Gives damaged files to all readers. */
export const fuzzPart: Part = {
  name: 'fuzz',
  title: 'Damaged files',
  run: async (settings) => {
    const results: FuzzResult[] = [];
    for (const [i, reader] of fuzzReaders.entries()) {
      const result = await fuzzInProcesses(reader, settings, (60_000 * settings.minutes) / fuzzReaders.length);
      const { name, read, refused, faults } = result;
      settings.report(`fuzz: ${name} (${i + 1} of ${fuzzReaders.length}): ${read} read, ${refused} refused`);
      for (const { message, number } of faults) settings.report(`fuzz: ${name}, case ${number}: ${message}`);
      results.push(result);
    }
    return {
      about:
        'Valid files with one to four places changed. A reader reads such a file, or refuses it with an error of ours that names ' +
        `the file, within ${mostBytes / 2 ** 20} MiB and ${mostSeconds} s. A case is a function of the seed and its number.`,
      rows: results.map(({ name, read, refused, faults }) => ({
        reader: name,
        read: read.toLocaleString('en'),
        refused: refused.toLocaleString('en'),
        faults: `${faults.length}`,
      })),
      faults: results.flatMap(({ faults }) =>
        faults.map(({ reader, number, cases, message, file }) => {
          const others = cases > 1 ? `, and ${cases - 1} more like it` : '';
          return `${reader}, case ${number} of seed ${settings.seed}${others}: ${message}. The file is '${file}'.`;
        }),
      ),
      data: results,
    };
  },
};

/**
 * Gives damaged files to a reader in processes of their own: a crash or a hang ends only its process, and the next one continues with
 * the following case.
 */
async function fuzzInProcesses(
  reader: FuzzReader,
  settings: EnduranceSettings,
  milliseconds: number,
): Promise<FuzzResult> {
  const faults = new Map<string, KeptFault>();
  const counts = { read: 0, refused: 0 };
  const end = performance.now() + milliseconds;
  let [first, crashes] = [0, 0];
  while (crashes <= mostCrashes && (first === 0 || performance.now() < end)) {
    const place = await mkdtemp(join(tmpdir(), 'dpar-fuzz-'));
    await mkdir(join(place, filesFolder));
    const keep = async (fault: FuzzFault): Promise<void> => {
      const known = faults.get(fault.kind);
      const file =
        known?.file ?? (await keepFile(join(place, filesFolder, reader.file), reader.name, fault.number, settings));
      faults.set(fault.kind, { ...(known ?? fault), reader: reader.name, cases: (known?.cases ?? 0) + 1, file });
    };
    const left = Math.max(1, end - performance.now());
    const ended = await oneProcess(reader, { place, seed: settings.seed, first, milliseconds: left }, keep);
    counts.read += ended.counts.read;
    counts.refused += ended.counts.refused;
    const number = Number(await readFile(join(place, caseFile), 'utf8').catch(() => '')) || 0;
    if (ended.how !== undefined) {
      crashes++;
      const message = `its process ended with ${ended.how}: ${ended.stderr?.trim()}`;
      await keep({ number, kind: ended.how, message });
    }
    first = number + 1;
    await rm(place, { recursive: true, force: true });
    if (ended.how === undefined) break;
  }
  return { name: reader.name, ...counts, faults: [...faults.values()] };
}

/** Copies a damaged file into the folder of the report. @returns Its path there. */
async function keepFile(
  path: string,
  reader: string,
  number: number,
  { output, seed }: EnduranceSettings,
): Promise<string> {
  const folder = join(output, 'endurance-files');
  await mkdir(folder, { recursive: true });
  const name = `${reader.replaceAll(/[^\w.]+/g, '-')}-seed-${seed}-case-${number}-${basename(path)}`;
  await copyFile(path, join(folder, name)).catch(() => {});
  return join(folder, name);
}

/** Runs the process of a reader. @returns Its last counts, and how it ended, if not as it should. */
function oneProcess(
  { name, isUncounted = false }: FuzzReader,
  { place, seed, first, milliseconds }: { place: string; seed: number; first: number; milliseconds: number },
  onFault: (fault: FuzzFault) => Promise<void>,
): Promise<{ counts: FuzzCounts; how?: string; stderr?: string }> {
  const argv = [isUncounted ? 'fuzz-uncounted' : 'fuzz', name, place, `${seed}`, `${first}`, `${milliseconds}`];
  const child = fork(new URL('./endurance-worker.js', import.meta.url), argv, {
    execArgv: ['--max-old-space-size=512'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr = `${stderr}${chunk}`.slice(-shownCharacters);
  });
  let counts: FuzzCounts = { read: 0, refused: 0 };
  let kept = Promise.resolve();
  child.on('message', (message: FuzzMessage) => {
    if ('counts' in message) counts = message.counts;
    else kept = kept.then(() => onFault(message.fault));
  });
  let [number, since, hung] = ['', performance.now(), false];
  const watch = setInterval(async () => {
    const now = await readFile(join(place, caseFile), 'utf8').catch(() => '');
    if (now !== number) [number, since] = [now, performance.now()];
    if (performance.now() - since < 1000 * hungSeconds) return;
    hung = true;
    child.kill('SIGKILL');
  }, 1000);
  return new Promise((resolve) => {
    child.once('close', async (code, signal) => {
      clearInterval(watch);
      await kept;
      if (code === 0) resolve({ counts });
      else resolve({ counts, how: hung ? `no answer for ${hungSeconds} s` : `${signal ?? `status ${code}`}`, stderr });
    });
  });
}
