import { availableParallelism, cpus, totalmem } from 'node:os';
import { version } from './version.js';

/** The versions and the hardware that the command runs with. */
export function machine() {
  return {
    dpar: version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_bytes: totalmem(),
  };
}
