import { importHidden, type RuntimeKind } from './runtime.js';

/** Part of the machine's memory that a process may have before new sessions stop keeping theirs. */
const share = 1 / 4;

/**
 * Tells whether a session that is made now should keep its working memory between runs: as long as the process has less
 * than a quarter of the memory that it may use. Outside Node this is not known, and all keep it.
 */
export async function memoryKeeper(kind: RuntimeKind): Promise<() => boolean> {
  if (kind === 'web') return () => true;
  const os = (await importHidden('node:os')) as typeof import('node:os');
  // A container's limit; a very large number, or none, where there is no limit.
  const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY;
  const budget = share * Math.min(os.totalmem(), limit);
  return () => process.memoryUsage.rss() < budget;
}
