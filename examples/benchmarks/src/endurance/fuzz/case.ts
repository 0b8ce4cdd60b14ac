import { writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { allocatedBytes } from '@dpar/fixtures/allocated';
import { isDparError } from '@dpar/tensor';
import type { FuzzReader } from './reader.js';

/** Largest memory of a case, in bytes. The files have some kB, and deflate makes at most 1032 bytes of one. */
export const mostBytes = 256 * 2 ** 20;

/** Most seconds of processor time of a case. */
export const mostSeconds = 20;

/** Outcome of a case. */
export type Outcome =
  | { readonly what: 'read' }
  | { readonly what: 'refused' }
  /** @param kind The same for cases with the same cause. */
  | { readonly what: 'fault'; readonly kind: string; readonly message: string };

/**
 * Reads a damaged file. A fault is an error that is not ours or does not name the file, and memory or time beyond the limits.
 * Memory is counted where `countAllocations` has run, and as growth of the process's peak.
 */
export async function readCase(
  { read, takesBytes = false }: Pick<FuzzReader, 'read' | 'takesBytes'>,
  path: string,
  bytes: Uint8Array,
): Promise<Outcome> {
  writeFileSync(path, bytes);
  allocatedBytes();
  const before = { cpu: process.cpuUsage(), peak: process.resourceUsage().maxRSS };
  let outcome: Outcome = { what: 'read' };
  try {
    await read(path);
  } catch (error) {
    outcome = refusal(error, path, takesBytes);
  }
  const { user, system } = process.cpuUsage(before.cpu);
  const seconds = (user + system) / 1e6;
  const asked = Math.max(allocatedBytes(), 1024 * (process.resourceUsage().maxRSS - before.peak));
  if (asked > mostBytes) {
    return {
      what: 'fault',
      kind: 'memory',
      message: `took ${Math.round(asked / 2 ** 20)} MiB for ${bytes.length} bytes`,
    };
  }
  if (seconds > mostSeconds) return { what: 'fault', kind: 'time', message: `took ${seconds.toFixed(0)} s` };
  return outcome;
}

function refusal(error: unknown, path: string, takesBytes: boolean): Outcome {
  if (!(error instanceof Error)) return { what: 'fault', kind: 'no error', message: String(error) };
  const [first, second] = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  if (!isDparError(error)) {
    const kind = `${error.name} ${first?.trim()}`;
    return { what: 'fault', kind, message: `${error.name}: ${error.message} ${first?.trim()} ${second?.trim()}` };
  }
  // An index is refused for another file of its folder.
  const named = error.message.includes(basename(path)) || error.message.includes(dirname(path));
  if (named || takesBytes) return { what: 'refused' };
  return { what: 'fault', kind: `no file ${first?.trim()}`, message: `does not name the file: ${error.message}` };
}
