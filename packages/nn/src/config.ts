import { type KindsOf, misspelt, unknownName } from '@dpar/check';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** Values that an argument may have, in the words of argument checks: `'number'`, `'string | null'`, or fields of an object. */
export type ArgumentKind = string | ArgumentKinds;

/** Kinds of an object's properties; a name that ends in `?` may be left out, and `*` stands for all other names. */
export interface ArgumentKinds {
  readonly [name: string]: ArgumentKind;
}

/** One key of a configuration: its values, its meaning, and its value if the key is missing. */
export interface Field<V> {
  /**
   * The value, or `undefined` if it is not what is expected. For the errors of fields within: the function that reads, and
   * the key with a dot.
   */
  readonly parse: (value: unknown, what: string, prefix: string) => V | undefined;
  /** What is expected, for error messages. */
  readonly expected: string;
  /** Value of a missing key; without it the key is required. */
  readonly fallback?: V;
  /** Whether the key may be missing; the configuration then lacks it too. */
  readonly isOptional?: boolean;
  /** Kind of the value, for checks of arguments. */
  readonly argument: ArgumentKind;
  /** Meaning of the key, for help texts. A field without one is no setting of a training configuration. */
  readonly about?: string;
  /** Fields of a value that is an object. */
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

/** A whole number of at least `minimum`. */
export function wholeNumber(minimum: number, fallback?: number): Field<number> {
  checkArguments('wholeNumber', { minimum, fallback }, { minimum: 'number', 'fallback?': 'number' });

  return field(
    (value) => (typeof value === 'number' && Number.isInteger(value) && value >= minimum ? value : undefined),
    `a whole number >= ${minimum}`,
    'number',
    fallback,
  );
}

/** A finite number above `minimum`. */
export function numberAbove(minimum: number, fallback?: number): Field<number> {
  checkArguments('numberAbove', { minimum, fallback }, { minimum: 'number', 'fallback?': 'number' });

  return field(
    (value) => (typeof value === 'number' && Number.isFinite(value) && value > minimum ? value : undefined),
    Number.isFinite(minimum) ? `a number above ${minimum}` : 'a number',
    'number',
    fallback,
  );
}

/** A number from `least` to `most`. */
export function numberIn(least: number, most: number, fallback?: number): Field<number> {
  checkArguments('numberIn', { least, most, fallback }, { least: 'number', most: 'number', 'fallback?': 'number' });
  return field(
    (value) => (typeof value === 'number' && value >= least && value <= most ? value : undefined),
    `a number from ${least} to ${most}`,
    'number',
    fallback,
  );
}

/** `true` or `false`. */
export function trueOrFalse(fallback?: boolean): Field<boolean> {
  checkArguments('trueOrFalse', { fallback }, { 'fallback?': 'boolean' });

  return field((value) => (typeof value === 'boolean' ? value : undefined), 'true or false', 'boolean', fallback);
}

/** One of some given values (strings or null). */
export function oneOf<V extends string | null>(values: readonly V[], fallback?: V): Field<V> {
  checkArguments('oneOf', { values, fallback }, { values: 'any[]', 'fallback?': 'string | null' });

  return field(
    (value) => values.find((candidate) => candidate === value),
    `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`,
    values.map((value) => (value === null ? 'null' : `'${value}'`)).join(' | '),
    fallback,
  );
}

/** Any value that the field takes, or null. */
export function orNull<V>(inner: Field<V>, fallback?: V | null): Field<V | null> {
  checkArguments('orNull', { inner, fallback }, { inner: fieldKinds, 'fallback?': 'unknown | null' });

  return field<V | null>(
    (value, what, prefix) => (value === null ? null : inner.parse(value, what, prefix)),
    `${inner.expected} or null`,
    `${inner.argument} | null`,
    fallback,
  );
}

/** A key that may be missing. */
export function optional<V>(inner: Field<V>): Field<V> {
  checkArguments('optional', { inner }, { inner: fieldKinds });
  return { ...inner, isOptional: true };
}

/** An object with fields of its own, and no others. */
export function nested<C extends object>(fields: Fields<C>, fallback?: C): Field<C> {
  checkArguments('nested', { fields, fallback }, { fields: 'object', 'fallback?': 'object' });

  const parse: Field<C>['parse'] = (value, what, prefix) =>
    isObject(value) ? readFields(what, prefix, value, fields) : undefined;
  return { ...field(parse, 'an object', argumentKinds(fields), fallback), fields };
}

/** A field with the meaning of its key, such as `Width D`. */
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

/** Kinds of a configuration's properties, for checks of arguments. */
export function argumentKinds<C>(fields: Fields<C>): ArgumentKinds {
  checkArguments('argumentKinds', { fields }, { fields: 'object' });
  const kinds: Record<string, ArgumentKind> = {};
  for (const [name, { argument, isOptional }] of Object.entries<Field<unknown>>(fields)) {
    kinds[isOptional ? `${name}?` : name] = argument;
  }
  return kinds;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Refuses a key that is near to one that is missing; of an object within, any that is not known. */
function checkKeys(what: string, prefix: string, json: Record<string, unknown>, known: readonly string[]): void {
  const missing = known.filter((key) => !Object.hasOwn(json, key));
  for (const key of Object.keys(json)) {
    if (known.includes(key)) continue;
    if (prefix === '' && misspelt(key, missing) === undefined) continue;
    throw new DparError(
      `${what}: expected keys among ${known.join(', ')}, got an ${unknownName('key', prefix, key, known)}`,
    );
  }
}

/** `nLayer` as the official files write it: `n_layer`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Reads a configuration from parsed JSON with the official snake_case keys. Other keys are left alone, as files hold more
 * than the architecture (training settings, results), unless they look like a slip of the pen for a key that is missing.
 * @throws DparError naming the key, what it should be and what came.
 */
export function readConfig<C extends object>(what: string, json: unknown, fields: Fields<C>): C {
  checkArguments('readConfig', { what, json, fields }, { what: 'string', 'json?': 'any', fields: 'object' });

  if (!isObject(json)) {
    throw new DparError(
      `${what}: expected a JSON object, got ${JSON.stringify(json)}. Pass the content of a config.json.`,
    );
  }
  return readFields(what, '', json, fields);
}

function readFields<C extends object>(
  what: string,
  prefix: string,
  json: Record<string, unknown>,
  fields: Fields<C>,
): C {
  checkKeys(what, prefix, json, Object.keys(fields).map(snakeCase));
  const config: Record<string, unknown> = {};
  for (const [name, { parse, expected, fallback, isOptional = false }] of Object.entries<Field<unknown>>(fields)) {
    const key = snakeCase(name);
    const given = Object.hasOwn(json, key) ? json[key] : undefined;
    if (given === undefined && isOptional) continue;
    const value = given === undefined ? fallback : parse(given, what, `${prefix}${key}.`);
    if (value === undefined) {
      const got = given === undefined ? 'no such key' : JSON.stringify(given);
      throw new DparError(
        `${what}: expected '${prefix}${key}' to be ${expected}, got ${got}. Correct the configuration.`,
      );
    }
    config[name] = value;
  }
  return config as C;
}

/** The JSON of a configuration, with the official snake_case keys. */
export function writeConfig(config: object): Record<string, unknown> {
  checkArguments('writeConfig', { config }, { config: 'object' });

  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [snakeCase(name), isObject(value) ? writeConfig(value) : value]),
  );
}
