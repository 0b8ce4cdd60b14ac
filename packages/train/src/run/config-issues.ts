import { unknownName } from '@dpar/check';
import { z } from 'zod';

/** Names of types in messages. */
const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  tuple: 'a list',
};

/** Remedies by key, for values whose meaning another key has. */
const remedies: Readonly<Record<string, string>> = {
  'samples.temperature': "Set 'samples.top_k' to 1 for the most likely token.",
};

/** Largest number of characters of a value in a message. */
const shownCharacters = 60;

/**
 * Describes an issue of a configuration: the key, the expected value and the actual value; for an unknown key, the nearest
 * valid one.
 * @param json The configuration.
 */
export function describeIssue(issue: z.core.$ZodIssue, json: unknown, schema: z.ZodType): string {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, schema)).join(' Also ');
  const key = path.join('.');
  const value = valueAt(json, path);
  const got = value === undefined ? 'no such key' : shown(value);
  const remedy = remedies[key] ?? 'Correct it in the configuration, or with --set.';
  return `expected '${key}' to be ${expected(issue)}, got ${got}. ${remedy}`;
}

/** Fields of an object schema, which may be optional, be null or have a default. */
export function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  if (schema instanceof z.ZodObject) return schema.shape;
  for (const Wrapper of [z.ZodOptional, z.ZodPrefault, z.ZodNullable, z.ZodDefault]) {
    if (schema instanceof Wrapper) return shapeOf(schema.unwrap() as z.ZodType);
  }
  return undefined;
}

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return `one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const [bound, least, above, listed] =
      issue.code === 'too_small'
        ? [issue.minimum, 'from', 'above', 'at least']
        : [issue.maximum, 'up to', 'below', 'at most'];
    if (issue.origin === 'array') return `a list of ${listed} ${bound} values`;
    return `a number ${issue.inclusive ? least : above} ${bound}`;
  }
  return issue.message;
}

function unknownKey(key: string, path: readonly string[], schema: z.ZodType): string {
  const holder = path.reduce<z.ZodType | undefined>((at, name) => at && shapeOf(at)?.[name], schema);
  const known = Object.keys((holder && shapeOf(holder)) ?? {});
  return `expected a known key, got an ${unknownName('key', path.map((name) => `${name}.`).join(''), key, known)}`;
}

function valueAt(json: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (Object.hasOwn(Object(at), name) ? Object(at)[name] : undefined), json);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}...` : text;
}
