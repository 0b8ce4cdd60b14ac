import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Machine of a run. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
  /** Version of onnxruntime-node. */
  readonly onnxruntime: string;
  /** Version of PyTorch, if benchmarks compare with it and it is there. */
  readonly pytorch?: string;
  readonly threads: number;
  /** Share of all cores that other programs used before the run. A busy machine lowers the figures. */
  readonly busyBefore: number;
}

/** Describes the machine, and measures for a second how busy it is. @param pytorch Version of PyTorch. */
export async function describeMachine(threads: number, pytorch?: string): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    onnxruntime: (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version,
    ...(pytorch !== undefined && { pytorch }),
    threads,
    busyBefore: await busyShare(1000),
  };
}

/** Measures the share of all cores in use over some milliseconds. */
export async function busyShare(milliseconds: number): Promise<number> {
  const before = coreTimes();
  await sleep(milliseconds);
  const after = coreTimes();
  const total = after.total - before.total;
  return total > 0 ? 1 - (after.idle - before.idle) / total : 0;
}

function coreTimes(): { idle: number; total: number } {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += Object.values(times).reduce((sum, time) => sum + time, 0);
  }
  return { idle, total };
}

/** Available bytes of memory. On Linux `freemem` excludes caches, so `MemAvailable` is read. */
export function availableBytes(): number {
  try {
    const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (line?.[1] !== undefined) return Number(line[1]) * 1024;
  } catch {
    // not Linux
  }
  return freemem();
}

/** Share of busy cores above which a warning is printed. */
const quiet = 0.1;

/** Warns on stderr if other programs used the machine before the run. */
export function warnIfBusy({ busyBefore }: Machine): void {
  if (busyBefore <= quiet) return;
  const busy = (100 * busyBefore).toFixed(0);
  process.stderr.write(
    `bench: expected an idle machine, got one whose cores are ${busy} % busy. Figures will be too low.\n`,
  );
}
