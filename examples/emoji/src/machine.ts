import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** Processor and memory of the computer that the run takes place on. */
export function describeProcessor(): string {
  const processor = cpus()[0]?.model.trim() ?? process.arch;
  const cores = availableParallelism();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${memory} GiB of memory`;
}

/** The computer that the run took place on, as a reader wants to know it. */
export function describeMachine(): string {
  return `${describeProcessor()}, ${type()} ${release()}, Node ${process.versions.node}`;
}
