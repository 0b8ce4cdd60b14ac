import { availableParallelism, cpus, totalmem } from 'node:os';
import { availableThreads } from '@dpar/tensor';
import { javaScriptRuntime } from './runtime.js';
import { version } from './version.js';

/** `23.5 GiB` */
export const formatMemory = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Versions and hardware of this machine. */
export function machine() {
  const { name, version: runtimeVersion } = javaScriptRuntime();
  return {
    dpar: version,
    runtime: `${name} ${runtimeVersion}`,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    /** Default number of threads of an engine. */
    threads: availableThreads(),
    memory_bytes: totalmem(),
  };
}
