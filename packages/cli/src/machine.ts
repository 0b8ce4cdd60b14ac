import { availableParallelism, cpus, totalmem } from 'node:os';
import { availableThreads } from '@dpar/tensor';
import { javaScriptRuntime } from './runtime.js';
import { version } from './version.js';

/** `23.5 GiB` */
export const formatMemory = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** The versions and the hardware that the command runs with. */
export function machine() {
  const { name, version: runtimeVersion } = javaScriptRuntime();
  return {
    dpar: version,
    runtime: `${name} ${runtimeVersion}`,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    /** What engines use by default. */
    threads: availableThreads(),
    memory_bytes: totalmem(),
  };
}
