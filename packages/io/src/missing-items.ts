import { checkArguments } from './check-arguments.js';

/** Most ranges in a message. */
const namedRanges = 10;

/** Formats the missing items as ranges, such as `3, 7-12`. Undefined if none is missing. */
export function formatMissing(there: Uint8Array): string | undefined {
  checkArguments('formatMissing', { there }, { there: 'Uint8Array' });
  const ranges: string[] = [];
  for (let first = there.indexOf(0); first >= 0; ) {
    const next = there.indexOf(1, first);
    const last = (next < 0 ? there.length : next) - 1;
    ranges.push(last > first ? `${first}-${last}` : `${first}`);
    first = next < 0 ? -1 : there.indexOf(0, next);
  }
  if (ranges.length === 0) return undefined;
  const more = ranges.length - namedRanges;
  return `${ranges.slice(0, namedRanges).join(', ')}${more > 0 ? ` and ${more} more ranges` : ''}`;
}
