import { type KindsOf, misspelt, unknownName } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Valid values of an argument, in the words of argument checks: `'number'`, `'string | null'`, or fields of an object. */
export type ArgumentKind = string | ArgumentKinds;

/** Kinds of an object's properties. A name that ends in `?` is optional, and `*` stands for all other names. */
export interface ArgumentKinds {
  readonly [name: string]: ArgumentKind;
}

/** One key of a configuration: its values, its meaning and its default. */
export interface Field<V> {
  /**
   * Returns the value, or `undefined` if it is invalid.
   * @param caller Function that reads the configuration, for the errors of nested fields.
   * @param prefix Key with a dot, for the errors of nested fields.
   */
  readonly parse: (value: unknown, caller: string, prefix: string) => V | undefined;
  /** Description of valid values, for error messages. */
  readonly expected: string;
  /** Value of a missing key. A key without it is required. */
  readonly fallback?: V;
  /** True if the key may be missing; the configuration then lacks it too. */
  readonly isOptional?: boolean;
  /** Kind of the value, for checks of arguments. */
  readonly argument: ArgumentKind;
  /** Meaning of the key, for help texts. Training configurations only have the fields with one. */
  readonly about?: string;
  /** Fields of a nested object. */
  readonly fields?: Fields<object>;
}

const fieldKinds: KindsOf<Field<object>> = {
  parse: 'function',
  expected: 'string',
  argument: 'string | object',
  'about?': 'string',
  'fields?': 'object',
  'isOptional?': 'boolean',
  'fallback?': 'unknown',
  '*': 'any',
};

/** The fields of a configuration, by their camelCase names. */
export type Fields<C> = { readonly [K in keyof C]-?: Field<C[K]> };

/** Field for a whole number of at least `minimum`. */
export function wholeNumber(minimum: number, fallback?: number): Field<number> {
  checkArguments('wholeNumber', { minimum, fallback }, { minimum: 'number', 'fallback?': 'number' });

  return field(
    (value) => (typeof value === 'number' && Number.isInteger(value) && value >= minimum ? value : undefined),
    `a whole number >= ${minimum}`,
    'number',
    fallback,
  );
}

/** Field for a list of whole numbers of at least `minimum`. */
export function wholeNumbers(minimum: number): Field<readonly number[]> {
  checkArguments('wholeNumbers', { minimum }, { minimum: 'number' });
  const { parse, expected } = wholeNumber(minimum);
  const isValid = (value: unknown): boolean => parse(value, 'wholeNumbers', '') !== undefined;
  return field(
    (value) => (Array.isArray(value) && value.every(isValid) ? value : undefined),
    `a list of numbers, each ${expected}`,
    'number[]',
    undefined,
  );
}

/** Field for a finite number above `minimum`. */
export function numberAbove(minimum: number, fallback?: number): Field<number> {
  checkArguments('numberAbove', { minimum, fallback }, { minimum: 'number', 'fallback?': 'number' });

  return field(
    (value) => (typeof value === 'number' && Number.isFinite(value) && value > minimum ? value : undefined),
    Number.isFinite(minimum) ? `a number above ${minimum}` : 'a number',
    'number',
    fallback,
  );
}

/** Field for a number from `least` to `most`. */
export function numberIn(least: number, most: number, fallback?: number): Field<number> {
  checkArguments('numberIn', { least, most, fallback }, { least: 'number', most: 'number', 'fallback?': 'number' });
  return field(
    (value) => (typeof value === 'number' && value >= least && value <= most ? value : undefined),
    `a number from ${least} to ${most}`,
    'number',
    fallback,
  );
}

/** Field for `true` or `false`. */
export function trueOrFalse(fallback?: boolean): Field<boolean> {
  checkArguments('trueOrFalse', { fallback }, { 'fallback?': 'boolean' });

  return field((value) => (typeof value === 'boolean' ? value : undefined), 'true or false', 'boolean', fallback);
}

/** Field for one of some values (strings or null). */
export function oneOf<V extends string | null>(values: readonly V[], fallback?: V): Field<V> {
  checkArguments('oneOf', { values, fallback }, { values: 'any[]', 'fallback?': 'string | null' });

  return field(
    (value) => values.find((candidate) => candidate === value),
    `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`,
    values.map((value) => (value === null ? 'null' : `'${value}'`)).join(' | '),
    fallback,
  );
}

/** Field for the values of another field, or null. */
export function orNull<V>(inner: Field<V>, fallback?: V | null): Field<V | null> {
  checkArguments('orNull', { inner, fallback }, { inner: fieldKinds, 'fallback?': 'unknown | null' });

  return field<V | null>(
    (value, caller, prefix) => (value === null ? null : inner.parse(value, caller, prefix)),
    `${inner.expected} or null`,
    `${inner.argument} | null`,
    fallback,
  );
}

/** Makes the key of a field optional. */
export function optional<V>(inner: Field<V>): Field<V | undefined> {
  checkArguments('optional', { inner }, { inner: fieldKinds });
  const { fallback: _, ...required } = inner;
  return { ...required, isOptional: true };
}

/** Field for an object with given fields and no others. */
export function nested<C extends object>(fields: Fields<C>, fallback?: C): Field<C> {
  checkArguments('nested', { fields, fallback }, { fields: 'object', 'fallback?': 'object' });

  const parse: Field<C>['parse'] = (value, caller, prefix) =>
    isObject(value) ? readFields(caller, prefix, value, fields) : undefined;
  return { ...field(parse, 'an object', argumentKinds(fields), fallback), fields };
}

/** Adds the meaning of its key to a field, such as `Width D`. */
export function described<V>(about: string, inner: Field<V>): Field<V> {
  checkArguments('described', { about, inner }, { about: 'string', inner: fieldKinds });
  return { ...inner, about };
}

function field<V>(
  parse: Field<V>['parse'],
  expected: string,
  argument: ArgumentKind,
  fallback: V | undefined,
): Field<V> {
  return fallback === undefined ? { parse, expected, argument } : { parse, expected, argument, fallback };
}

/** Kinds of a configuration's properties, for argument checks. */
export function argumentKinds<C>(fields: Fields<C>): ArgumentKinds {
  checkArguments('argumentKinds', { fields }, { fields: 'object' });
  const kinds: Record<string, ArgumentKind> = {};
  for (const [name, { argument, isOptional }] of Object.entries<Field<unknown>>(fields)) {
    kinds[isOptional ? `${name}?` : name] = argument;
  }
  return kinds;
}

/** True for an object that is not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Refuses keys that look like a misspelt missing key, and all unknown keys of nested objects. */
function checkKeys(caller: string, prefix: string, json: Record<string, unknown>, known: readonly string[]): void {
  const missing = known.filter((key) => !Object.hasOwn(json, key));
  for (const key of Object.keys(json)) {
    if (known.includes(key)) continue;
    if (prefix === '' && misspelt(key, missing) === undefined) continue;
    throw new DparError(
      `${caller}: expected keys among ${known.join(', ')}, got an ${unknownName('key', prefix, key, known)}`,
    );
  }
}

/** Converts a name to the official files' snake_case: `nLayer` to `n_layer`. */
export function snakeCase(name: string): string {
  checkArguments('snakeCase', { name }, { name: 'string' });
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Reads a configuration from parsed JSON with the official snake_case keys. Other keys are ignored, since files also hold
 * training settings and results, unless they look like a misspelt missing key.
 * @param caller Function that errors name.
 * @throws DparError naming the key, the valid values and the given one.
 */
export function readConfig<C extends object>(caller: string, json: unknown, fields: Fields<C>): C {
  checkArguments('readConfig', { caller, json, fields }, { caller: 'string', 'json?': 'any', fields: 'object' });

  if (!isObject(json)) {
    throw new DparError(
      `${caller}: expected a JSON object, got ${JSON.stringify(json)}. Pass the content of a config.json.`,
    );
  }
  return readFields(caller, '', json, fields);
}

function readFields<C extends object>(
  caller: string,
  prefix: string,
  json: Record<string, unknown>,
  fields: Fields<C>,
): C {
  checkKeys(caller, prefix, json, Object.keys(fields).map(snakeCase));
  const config: Record<string, unknown> = {};
  for (const [name, { parse, expected, fallback, isOptional = false }] of Object.entries<Field<unknown>>(fields)) {
    const key = snakeCase(name);
    const given = Object.hasOwn(json, key) ? json[key] : undefined;
    if (given === undefined && isOptional) continue;
    const value = given === undefined ? fallback : parse(given, caller, `${prefix}${key}.`);
    if (value === undefined) {
      const got = given === undefined ? 'no such key' : JSON.stringify(given);
      throw new DparError(
        `${caller}: expected '${prefix}${key}' to be ${expected}, got ${got}. Correct the configuration.`,
      );
    }
    config[name] = value;
  }
  return config as C;
}

/** Converts a configuration to JSON with the official snake_case keys. */
export function writeConfig(config: object): Record<string, unknown> {
  checkArguments('writeConfig', { config }, { config: 'object' });

  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [snakeCase(name), isObject(value) ? writeConfig(value) : value]),
  );
}
