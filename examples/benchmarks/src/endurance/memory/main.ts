import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EnduranceSettings, Part } from '../part.js';
import { type GrowthVerdict, growthTolerance, judgeGrowth, type MemorySample } from './growth.js';
import type { Soak } from './soak.js';
import { soaks } from './soaks.js';

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** Soaks samplers and training, and compares memory at the start, in the middle and at the end. */
export const memoryPart: Part = {
  name: 'memory',
  title: 'Memory',
  run: async (settings) => {
    const results: { soak: Soak; amount: number; samples: MemorySample[]; verdict: GrowthVerdict }[] = [];
    for (const soak of soaks) {
      const amount = soak.unit === 'token' ? settings.tokens : settings.steps;
      const samples = await soakInProcess(soak, amount, settings);
      results.push({ soak, amount, samples, verdict: judgeGrowth(samples) });
    }
    return {
      about:
        `MiB after garbage collections at the start (after a tenth of the work), in the middle and at the end. ` +
        `Growth of at most ${mebibytes(growthTolerance.rss)} MiB (resident) and ${mebibytes(growthTolerance.heap)} MiB (JavaScript heap with its buffers) passes.`,
      rows: results.map(({ soak: { name, unit }, samples, verdict }) => ({
        work: name,
        amount: `${(samples.at(-1)?.done ?? 0).toLocaleString('en')} ${unit}s`,
        resident: inOrder(verdict, 'rss'),
        heap: inOrder(verdict, 'heap'),
        'leaks found from': `${Math.ceil(verdict.smallestLeak.rss)} bytes/${unit} (heap: ${Math.ceil(verdict.smallestLeak.heap)})`,
        holds: verdict.holds ? 'yes' : 'no',
      })),
      faults: results
        .filter(({ verdict }) => !verdict.holds)
        .map(({ soak: { name }, verdict: { growth } }) => {
          return `${name}: resident memory grew by ${mebibytes(growth.rss)} MiB, the heap by ${mebibytes(growth.heap)} MiB.`;
        }),
      data: results.map(({ soak: { name, unit }, ...rest }) => ({ name, unit, ...rest })),
    };
  },
};

const inOrder = ({ start, middle, end }: GrowthVerdict, key: 'rss' | 'heap'): string =>
  [start, middle, end].map((memory) => mebibytes(memory[key])).join(', ');

/** Runs a soak in a process of its own, in which nothing else takes memory. */
async function soakInProcess(
  { name, unit }: Soak,
  amount: number,
  { seed, report }: EnduranceSettings,
): Promise<MemorySample[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dpar-soak-'));
  const child = fork(
    new URL('./endurance-worker.js', import.meta.url),
    ['soak', name, folder, `${seed}`, `${amount}`],
    {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  const samples: MemorySample[] = [];
  child.on('message', (sample: MemorySample) => {
    samples.push(sample);
    const memory = `resident ${mebibytes(sample.rss)} MiB, heap ${mebibytes(sample.heap)} MiB`;
    report(`memory: ${name}: ${sample.done.toLocaleString('en')} ${unit}s, ${memory}`);
  });
  try {
    const status = await new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    if (status !== 0) throw new Error(`${name}: expected its process to end with 0, got ${status}.`);
    return samples;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
