import { formatValue, typeName } from './format-value.js';
import type { Kind, RecordKind } from './kinds.js';
import { unknownName } from './nearest-name.js';

/**
 * Refuses arguments that are missing or of another kind than expected, and options of unknown names.
 *
 * @param where The function that the user called.
 * @param values The arguments by name.
 * @param kinds The kinds of the arguments, by the same names.
 */
export type CheckArguments = (where: string, values: Readonly<Record<string, unknown>>, kinds: RecordKind) => void;

/** A check of arguments that throws a package's own error. */
export function createCheck(PackageError: new (message: string) => Error): CheckArguments {
  const refuse = (where: string, problem: string | undefined): void => {
    if (problem !== undefined) throw new PackageError(`${where}: expected ${problem}`);
  };
  return (where, values, kinds) => {
    // A name that is not known says most about what was meant.
    for (const name in kinds) {
      const kind = kinds[name] as Kind;
      const argument = name.replace('?', '');
      const value = values[argument];
      if (typeof kind === 'object' && !isAlternatives(kind) && isRecord(value)) {
        refuse(where, unknownOption(value, kind, prefixOf(argument, true)));
      }
    }
    for (const name in kinds) {
      const isOptional = name.endsWith('?');
      const argument = isOptional ? name.slice(0, -1) : name;
      const value = values[argument];
      if (!isOptional || value !== undefined) refuse(where, mismatch(value, kinds[name] as Kind, argument, true));
    }
  };
}

/** What is wrong with a value, in the words after `expected`; undefined if nothing is. `top`: it is an argument itself. */
function mismatch(value: unknown, kind: Kind, path: string, top: boolean): string | undefined {
  if (typeof kind === 'string') return matches(value, kind) ? undefined : refusal(value, kind, path);
  if (isAlternatives(kind)) {
    const problems = kind.map((one) => mismatch(value, one, path, top));
    if (problems.includes(undefined)) return undefined;
    // Of an object, the record that it should be says best what is wrong.
    const record = isRecord(value) ? kind.findIndex((one) => typeof one === 'object' && !isAlternatives(one)) : -1;
    return problems[record] ?? refusal(value, kind, path);
  }
  const element = kind['[]'];
  if (element !== undefined) {
    if (!Array.isArray(value)) return refusal(value, kind, path);
    return first(value, (item, i) => mismatch(item, element, `${path}[${i}]`, false));
  }
  return isRecord(value) ? recordMismatch(value, kind, path, top) : refusal(value, kind, path);
}

function recordMismatch(
  value: Readonly<Record<string, unknown>>,
  kinds: RecordKind,
  path: string,
  top: boolean,
): string | undefined {
  const prefix = prefixOf(path, top);
  const unknown = unknownOption(value, kinds, prefix);
  if (unknown !== undefined) return unknown;
  for (const name in kinds) {
    if (name === '*') continue;
    const isOptional = name.endsWith('?');
    const key = isOptional ? name.slice(0, -1) : name;
    if (isOptional && value[key] === undefined) continue;
    const problem = mismatch(value[key], kinds[name] as Kind, prefix + key, false);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Options are named as users write them: without the name of the argument. */
const prefixOf = (path: string, top: boolean): string => (top && path === 'options' ? '' : `${path}.`);

function unknownOption(
  value: Readonly<Record<string, unknown>>,
  kinds: RecordKind,
  prefix: string,
): string | undefined {
  if ('*' in kinds || '[]' in kinds) return undefined;
  const name = Object.keys(value).find((given) => !(given in kinds) && !(`${given}?` in kinds));
  if (name === undefined) return undefined;
  const names = Object.keys(kinds).map((known) => known.replace('?', ''));
  const known = names.length === 0 ? 'no options' : `options among ${names.join(', ')}`;
  return `${known}, got an ${unknownName('option', prefix, name, names)}`;
}

function first<V>(items: readonly V[], of: (item: V, i: number) => string | undefined): string | undefined {
  for (const [i, item] of items.entries()) {
    const found = of(item, i);
    if (found !== undefined) return found;
  }
  return undefined;
}

function refusal(value: unknown, kind: Kind, path: string): string {
  const list = typeof kind === 'string' && kind.endsWith('[]') && isList(value) ? value : undefined;
  if (typeof kind === 'string' && list !== undefined) {
    const at = Array.prototype.findIndex.call(list, (item) => !matches(item, kind.slice(0, -2)));
    if (at >= 0) return refusal(list[at], kind.slice(0, -2), `${path}[${at}]`);
  }
  return `'${path}' to be ${describe(kind)}, got ${formatValue(value)}. ${value === undefined ? 'Pass' : 'Check'} '${path}'.`;
}

function describe(kind: Kind): string {
  if (typeof kind === 'string') {
    return kind
      .split(' | ')
      .map(
        (one) =>
          words[one] ??
          (/^['"]/.test(one) ? one : one.endsWith('[]') ? `an array of ${one.slice(0, -2)}s` : `a ${one}`),
      )
      .join(' or ');
  }
  if (isAlternatives(kind)) return kind.map(describe).join(' or ');
  if ('[]' in kind) return 'an array';
  const required = Object.keys(kind).filter((name) => name !== '*' && !name.endsWith('?'));
  return required.length === 0 ? 'an object' : `an object with ${required.join(', ')}`;
}

/** Kinds whose words are not `a` and their name. */
const words: Readonly<Record<string, string>> = {
  null: 'null',
  unknown: 'a value',
  object: 'an object',
  Int8Array: 'an Int8Array',
  Int32Array: 'an Int32Array',
  AbortSignal: 'an AbortSignal',
  Ops: 'the operations of an engine',
  Engine: 'an engine',
  HostTensor: 'a tensor { dtype, shape, data }',
  Tensor: 'a tensor of the engine',
};

function matches(value: unknown, kind: string): boolean {
  if (kind.includes(' | ')) return kind.split(' | ').some((one) => matches(value, one));
  if (kind.endsWith('[]')) {
    if (!isList(value)) return false;
    const element = kind.slice(0, -2);
    if (element === 'number' && ArrayBuffer.isView(value)) return true;
    if (!Array.isArray(value) && element !== 'number') return false;
    return Array.prototype.every.call(value, (item) =>
      element === 'number' ? typeof item === 'number' : matches(item, element),
    );
  }
  const test = tests[kind];
  if (test !== undefined) return test(value);
  if (kind[0] === "'") return value === kind.slice(1, -1);
  return typeof value === 'object' && value !== null && typeName(value) === kind;
}

const holds = (value: unknown, ...methods: readonly string[]): boolean =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

const tests: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  undefined: (value) => value === undefined,
  unknown: (value) => value !== undefined,
  null: (value) => value === null,
  number: (value) => typeof value === 'number' && !Number.isNaN(value),
  NaN: (value) => Number.isNaN(value),
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  bigint: (value) => typeof value === 'bigint',
  function: (value) => typeof value === 'function',
  object: (value) => typeof value === 'object' && value !== null,
  AbortSignal: (value) => holds(value, 'addEventListener') && 'aborted' in (value as object),
  Uint8Array: (value) => ArrayBuffer.isView(value) && ['Uint8Array', 'Uint8ClampedArray'].includes(typeName(value)),
  Ops: (value) => holds(value, 'add', 'matmul', 'reshape'),
  Engine: (value) => holds(value, 'compile'),
  HostTensor: (value) => {
    const { dtype, shape, data } = (value ?? {}) as Record<string, unknown>;
    return typeof dtype === 'string' && Array.isArray(shape) && ArrayBuffer.isView(data);
  },
  Tensor: (value) => typeof value === 'object' && value !== null && !isList(value),
};

function isList(value: unknown): value is ArrayLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { length?: unknown }).length === 'number';
}

const isAlternatives = (kind: RecordKind | readonly Kind[]): kind is readonly Kind[] => Array.isArray(kind);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value);
