/** A value that differs between two JSON objects. */
export interface Difference {
  /** `optimizer.learning_rate` */
  readonly key: string;
  /** Undefined where the first object has no such key. */
  readonly expected: unknown;
  readonly got: unknown;
}

/** The keys in which two JSON values differ, in the order of the first, then the second. Lists are compared as a whole. */
export function differences(expected: unknown, got: unknown, key = ''): Difference[] {
  if (isObject(expected) && isObject(got)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(got)]);
    const path = (name: string): string => (key === '' ? name : `${key}.${name}`);
    return [...keys].flatMap((name) => differences(expected[name], got[name], path(name)));
  }
  return JSON.stringify(expected) === JSON.stringify(got) ? [] : [{ key, expected, got }];
}

/** `'seed' 4 in place of 3, 'model.dim' none in place of 16` */
export function formatDifferences(found: readonly Difference[]): string {
  const shown = (value: unknown): string => JSON.stringify(value) ?? 'none';
  return found.map(({ key, expected, got }) => `'${key}' ${shown(got)} in place of ${shown(expected)}`).join(', ');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
