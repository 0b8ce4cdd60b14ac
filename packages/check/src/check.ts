import { formatValue } from './format-value.js';
import type { Kind, RecordKind } from './kinds.js';
import { misspelt, unknownName } from './nearest-name.js';

/**
 * Refuses arguments that are missing or of the wrong kind, and unknown options.
 *
 * @param where Name of the called function.
 * @param values Arguments by name.
 * @param kinds Kinds of the arguments, by the same names.
 */
export type CheckArguments = (where: string, values: Readonly<Record<string, unknown>>, kinds: RecordKind) => void;

/** Creates a check of arguments that throws a package's own error. */
export function createCheck(PackageError: new (message: string) => Error): CheckArguments {
  const refuse = (where: string, problem: string | undefined): void => {
    if (problem !== undefined) throw new PackageError(`${where}: expected ${problem}`);
  };
  return (where, values, kinds) => {
    // An unknown name is the most helpful finding, so it comes first.
    for (const name in kinds) {
      const kind = kinds[name] as Kind;
      if (typeof kind !== 'object' || isAlternatives(kind)) continue;
      const argument = plainName(name);
      const value = values[argument];
      if (isRecord(value)) refuse(where, unknownOption(value, kind, prefixOf(argument, true)));
    }
    for (const name in kinds) {
      const argument = plainName(name);
      const value = values[argument];
      if (argument === name || value !== undefined) refuse(where, mismatch(value, kinds[name] as Kind, argument, true));
    }
  };
}

/** Describes the problem with a value, in the words after `expected`. Undefined without one. `top`: an argument itself. */
function mismatch(value: unknown, kind: Kind, path: string, top: boolean): string | undefined {
  if (typeof kind === 'string') return matches(value, kind) ? undefined : refusal(value, kind, path);
  if (isAlternatives(kind)) {
    const problems = kind.map((one) => mismatch(value, one, path, top));
    if (problems.includes(undefined)) return undefined;
    // For an object, the alternative that is a record gives the most specific message.
    const record = isRecord(value) ? kind.findIndex((one) => typeof one === 'object' && !isAlternatives(one)) : -1;
    return problems[record] ?? refusal(value, kind, path);
  }
  const element = kind['[]'];
  if (element !== undefined) {
    if (!Array.isArray(value)) return refusal(value, kind, path);
    const at = value.findIndex((item) => mismatch(item, element, path, false) !== undefined);
    return at < 0 ? undefined : mismatch(value[at], element, `${path}[${at}]`, false);
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
    const key = plainName(name);
    const given = value[key];
    if (key !== name && given === undefined) continue;
    const problem = mismatch(given, kinds[name] as Kind, prefix + key, false);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Prefix of a name in messages. Options are named as users write them, without the name of the argument. */
const prefixOf = (path: string, top: boolean): string => (top && path === 'options' ? '' : `${path}.`);

function unknownOption(
  value: Readonly<Record<string, unknown>>,
  kinds: RecordKind,
  prefix: string,
): string | undefined {
  if ('[]' in kinds) return undefined;
  let known = 0;
  for (const name in kinds) if (Object.hasOwn(value, plainName(name))) known++;
  const given = Object.keys(value);
  if (given.length === known) return undefined; // the usual case, which is fast
  const names = Object.keys(kinds).filter((name) => name !== '*');
  const meant = '*' in kinds ? absentOptions(value, names) : undefined;
  const name = given.find(
    (one) =>
      value[one] !== undefined &&
      !(Object.hasOwn(kinds, one) || Object.hasOwn(kinds, `${one}?`)) &&
      (meant === undefined || misspelt(one, meant) !== undefined),
  );
  if (name === undefined) return undefined;
  const plainNames = names.map(plainName);
  const expected = names.length === 0 ? 'no options' : `options among ${plainNames.join(', ')}`;
  return `${expected}, got an ${unknownName('option', prefix, name, plainNames)}`;
}

/** Optional names that a plain object lacks. Only these can be misspelt among a user's own data. */
function absentOptions(value: Readonly<Record<string, unknown>>, names: readonly string[]): readonly string[] {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return [];
  return names.filter((name) => name.endsWith('?') && value[plainName(name)] === undefined).map(plainName);
}

/** Name without its final `?`. Results are cached, as functions are called often. */
const plainName = /* @__PURE__ */ remembered((name) => (name.endsWith('?') ? name.slice(0, -1) : name));

/** Caches the results of a function of texts. Its texts are those of this code, so they are few. */
function remembered<V>(of: (text: string) => V): (text: string) => V {
  const results = new Map<string, V>();
  return (text) => {
    let result = results.get(text);
    if (result === undefined) {
      result = of(text);
      results.set(text, result);
    }
    return result;
  };
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

/** Words for kinds that are not `a` and their name. */
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

const matches = (value: unknown, kind: string): boolean => testOf(kind)(value);

type Test = (value: unknown) => boolean;

/** Test of a kind. It is cached, because functions that check their arguments are called for each token. */
const testOf = /* @__PURE__ */ remembered((kind): Test => {
  if (kind.includes(' | ')) {
    const either = kind.split(' | ').map(testOf);
    return (value) => either.some((test) => test(value));
  }
  if (kind === 'number[]') return isNumbers;
  if (kind.endsWith('[]')) {
    const test = testOf(kind.slice(0, -2));
    return (value) => Array.isArray(value) && value.every((item) => test(item));
  }
  if (kind[0] === "'") {
    const text = kind.slice(1, -1);
    return (value) => value === text;
  }
  return tests[kind] ?? ((value) => ArrayBuffer.isView(value) && tagOf(value) === kind);
});

/** True for numbers in an array, a typed array or an array-like. NaN is allowed. */
function isNumbers(value: unknown): boolean {
  if (ArrayBuffer.isView(value)) return true;
  if (!isList(value)) return false;
  for (let i = 0; i < value.length; i++) if (typeof value[i] !== 'number') return false;
  return true;
}

/** Tag of a typed array, such as `Float32Array`, including subclasses and arrays of other frames. */
const tagOf = (value: ArrayBufferView): string => value[Symbol.toStringTag as never];

const holds = (value: unknown, ...methods: readonly string[]): boolean =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

const tests: Readonly<Record<string, Test>> = {
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
  Map: (value) => holds(value, 'get', 'has', 'entries'),
  AbortSignal: (value) => holds(value, 'addEventListener') && 'aborted' in (value as object),
  Uint8Array: (value) => ArrayBuffer.isView(value) && /^Uint8(Clamped)?Array$/.test(tagOf(value)),
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
