import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@dpar/tensor';
import type { Part } from '../part.js';
import { killedCommands, prepareInputs } from './commands.js';
import { startDpar } from './dpar.js';
import { type KillResult, killOften } from './killing.js';

/** Kills commands at random moments, and compares what they write in the end with an undisturbed run. */
export const killsPart: Part = {
  name: 'kills',
  title: 'Kills',
  run: async ({ kills, seed, report }) => {
    const folder = await mkdtemp(join(tmpdir(), 'dpar-kills-'));
    const inputs = join(folder, 'inputs');
    const results: KillResult[] = [];
    try {
      await mkdir(inputs);
      await prepareInputs(inputs, seed);
      for (const [i, { name, prepare, argv, output, timed }] of killedCommands.entries()) {
        await prepare?.(inputs);
        const place = join(folder, name);
        const share = shareOfKills(kills, i);
        const start = () => startDpar(argv(inputs, join(place, output)));
        const command = { name, start, place, timed };
        const onKills = (killed: number) => report(`kills: dpar ${name}: ${killed} of ${share}`);
        const result = await killOften(command, share, createRandom(seed, i), onKills);
        for (const fault of result.faults) report(`kills: ${fault}`);
        results.push(result);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return {
      about:
        'SIGKILLs at random moments: after a random time, after a new file, and while a file was being written. After at most six of ' +
        'them, a command runs to its end. All visible files are compared byte by byte, JSON of runs without its times. No hidden file may be left.',
      rows: results.map(({ name, kills: { startUp, writing, working }, completed, faults }) => ({
        command: `dpar ${name}`,
        kills: `${startUp + writing + working}`,
        'before its first file': `${startUp}`,
        'while a file was written': `${writing}`,
        otherwise: `${working}`,
        'compared runs': `${completed}`,
        faults: `${faults.length}`,
      })),
      faults: results.flatMap(({ faults }) => faults),
      data: results,
    };
  },
};

/** Kills of a command, so that their sum is that of the run. */
function shareOfKills(kills: number, i: number): number {
  const total = killedCommands.reduce((sum, { weight }) => sum + weight, 0);
  const until = (end: number): number =>
    Math.round((kills * killedCommands.slice(0, end).reduce((sum, { weight }) => sum + weight, 0)) / total);
  return until(i + 1) - until(i);
}
