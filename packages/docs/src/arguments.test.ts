import { isDparError } from '@dpar/tensor';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { type PublicFunction, publicFunctions } from './testing/public-functions.js';

/** Functions that accept any value for each argument. */
const takeAnything = ['isDparError', 'html', 'formatPyTorchValue', 'entriesOf'];

/** Functions that sorting calls for each pair of names; a check would cost too much. */
const inLoops = ['compareCodePoints'];

/** A value that no function accepts. */
const nonsense = Symbol('nonsense');

/** The error that a function throws or rejects with; undefined if it accepts the arguments. */
async function errorOf({ call }: PublicFunction, given: readonly unknown[]): Promise<unknown> {
  try {
    await call(given);
    return undefined;
  } catch (error) {
    return error;
  }
}

const functions = await publicFunctions(ts);
const checked = functions.filter(({ name }) => !takeAnything.includes(name) && !inLoops.includes(name));
const titled = (list: readonly PublicFunction[]) => list.map((f) => [`${f.entry} ${f.name}`, f] as const);

it('finds the public functions', () => {
  expect(functions.length).toBeGreaterThan(300);
});

describe('without arguments', () => {
  it.each(titled(checked.filter(({ required }) => required > 0)))('%s says what is missing', async (_, f) => {
    const error = await errorOf(f, []);
    expect(isDparError(error), String(error)).toBe(true);
    expect(String(error)).toMatch(new RegExp(`^\\w+Error: ${f.says}: expected .+ got (undefined|none)\\.`));
  });
});

describe('with arguments of a wrong type', () => {
  it.each(titled(checked.filter(({ parameters }) => parameters.length > 0)))('%s says so', async (_, f) => {
    const error = await errorOf(
      f,
      f.parameters.map(() => nonsense),
    );
    expect(isDparError(error), String(error)).toBe(true);
    expect(String(error)).toMatch(new RegExp(`^\\w+Error: ${f.says}: expected .+\\. [A-Z]`));
  });
});

describe('with an unknown option', () => {
  const withOptions = titled(checked.filter(({ parameters }) => parameters.some(({ isOptions }) => isOptions)));
  it.each(withOptions)('%s names it', async (_, f) => {
    const given = f.parameters.map(({ isOptions }) => (isOptions ? { wrongName: 1 } : undefined));
    const error = await errorOf(f, given);
    expect(isDparError(error), String(error)).toBe(true);
    expect(String(error)).toMatch(
      new RegExp(`^\\w+Error: ${f.says}: expected .+ unknown option '(\\w+\\.)?wrongName'`),
    );
  });
});
