import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** Processor, cores and memory of this computer. */
export function describeProcessor(): string {
  const processor = cpus()[0]?.model.trim() ?? process.arch;
  const cores = availableParallelism();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${memory} GiB of memory`;
}

/** Processor, memory, operating system and Node of this computer, for reports. */
export function describeMachine(): string {
  return `${describeProcessor()}, ${type()} ${release()}, Node ${process.versions.node}`;
}
