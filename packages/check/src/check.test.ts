import { describe, expect, it } from 'vitest';
import { type CheckArguments, createCheck, type KindsOf, listOf, misspelt, nearestName } from './index.js';

class OwnError extends Error {}
const check: CheckArguments = createCheck(OwnError);

interface Options {
  readonly k: number;
  readonly pairs?: 'one' | 'two';
  readonly nested?: { readonly scale: number } | null;
  readonly names?: readonly { readonly name: string }[];
}
const options: KindsOf<Options> = {
  k: 'number',
  'pairs?': "'one' | 'two'",
  'nested?': ['null', { scale: 'number' }],
  'names?': listOf({ name: 'string' }),
};

/** Message about the argument `options`. */
function said(value: unknown): string | undefined {
  try {
    check('fn', { options: value }, { options });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(OwnError);
    return (error as Error).message;
  }
}

describe('createCheck', () => {
  it('takes what is expected', () => {
    expect(said({ k: 1 })).toBeUndefined();
    expect(said({ k: 1, pairs: 'two', nested: null, names: [{ name: 'a' }] })).toBeUndefined();
    expect(said({ k: 1, pairs: undefined, nested: { scale: 2 }, names: [] })).toBeUndefined();
  });

  it.each<readonly [unknown, string]>([
    [undefined, "fn: expected 'options' to be an object with k, got undefined. Pass 'options'."],
    [null, "fn: expected 'options' to be an object with k, got null. Check 'options'."],
    [[1, 2], "fn: expected 'options' to be an object with k, got [1, 2]. Check 'options'."],
    [{}, "fn: expected 'k' to be a number, got undefined. Pass 'k'."],
    [{ k: '5' }, "fn: expected 'k' to be a number, got '5'. Check 'k'."],
    [{ k: Number.NaN }, "fn: expected 'k' to be a number, got NaN. Check 'k'."],
    [{ K: 5 }, "fn: expected options among k, pairs, nested, names, got an unknown option 'K'. Did you mean 'k'?"],
    [
      { k: 1, unheard: 5 },
      "fn: expected options among k, pairs, nested, names, got an unknown option 'unheard'. Leave it out.",
    ],
    [{ k: 1, pairs: 'three' }, "fn: expected 'pairs' to be 'one' or 'two', got 'three'. Check 'pairs'."],
    [
      { k: 1, nested: { scael: 1 } },
      "fn: expected options among scale, got an unknown option 'nested.scael'. Did you mean 'nested.scale'?",
    ],
    [
      { k: 1, names: [{ name: 'a' }, { name: 3 }] },
      "fn: expected 'names[1].name' to be a string, got 3. Check 'names[1].name'.",
    ],
    [{ k: 1, names: { name: 'a' } }, "fn: expected 'names' to be an array, got { name }. Check 'names'."],
  ])('says what is wrong with %j', (value, expected) => {
    expect(said(value)).toBe(expected);
  });

  it.each<readonly [string, unknown, unknown]>([
    ['number[]', Float32Array.of(1), '12'],
    ['number[]', [1, Number.NaN], [1, '2']],
    ['string[]', ['a'], [1]],
    ['Float32Array', new Float32Array(1), [1]],
    ['Uint8Array', new Uint8Array(1), new Int8Array(1)],
    ['Map', new Map(), {}],
    ['number | null', null, undefined],
    ['AbortSignal', new AbortController().signal, {}],
    [
      'HostTensor',
      { dtype: 'float32', shape: [1], data: new Float32Array(1) },
      { dtype: 'float32', shape: [1], data: [1] },
    ],
    ['Ops', { add() {}, matmul() {}, reshape() {} }, { add() {} }],
    ['function', () => 1, {}],
    ['unknown', null, undefined],
  ])('knows a %s', (kind, right, wrong) => {
    expect(() => check('fn', { x: right }, { x: kind })).not.toThrow();
    expect(() => check('fn', { x: wrong }, { x: kind })).toThrow(/^fn: expected 'x(\[\d\])?' to be /);
  });

  it.each([
    ['a name without a value', { k: 1, unheard: undefined }],
    ['an object without a prototype', Object.assign(Object.create(null), { k: 1 })],
    ['a frozen object', Object.freeze({ k: 1 })],
    [
      'an instance of a class',
      new (class {
        readonly k = 1;
        get pairs() {
          return 'one';
        }
      })(),
    ],
  ])('takes %s', (_, value) => {
    expect(said(value)).toBeUndefined();
  });

  it('takes more in records of data, but no slip of a name that is left out', () => {
    const kinds = { series: listOf({ name: 'string', 'dots?': 'boolean', '*': 'any' }) };
    const checkSeries = (one: object) => () => check('fn', { series: [one] }, kinds);
    expect(checkSeries({ name: 'a', color: 'red', id: 3 })).not.toThrow();
    expect(checkSeries({ name: 'a', dots: true, dot: true })).not.toThrow();
    expect(checkSeries({ name: 'a', dot: true })).toThrow("unknown option 'series[0].dot'. Did you mean");
    expect(
      checkSeries(
        new (class extends Map {
          name = 'a';
          dot = true;
        })(),
      ),
    ).not.toThrow();
  });

  it('takes typed arrays of classes of their own, and maps that only read', () => {
    class Floats extends Float32Array {}
    const map = { get() {}, has() {}, entries() {} };
    expect(() =>
      check('fn', { a: new Floats(2), b: new Floats(2), map }, { a: 'Float32Array', b: 'number[]', map: 'Map' }),
    ).not.toThrow();
  });

  it('says which element of an array is wrong', () => {
    expect(() => check('fn', { x: [1, '2'] }, { x: 'number[]' })).toThrow("'x[1]' to be a number, got '2'");
  });
});

describe('nearestName', () => {
  it.each([
    ['treshold', ['threshold', 'mode'], 'threshold'],
    ['baze', ['base', 'out'], 'base'],
    ['thread', ['threads', 'device'], 'threads'],
    ['max_patch_length', ['maxPatchLength'], 'maxPatchLength'],
    ['cfgScale', ['topK', 'guidanceScale', 'scale'], 'scale'],
    ['other', ['k', 'mode'], undefined],
    ['a', [], undefined],
  ])('%s of %j is %s', (name, names, expected) => {
    expect(nearestName(name, names)).toBe(expected);
  });

  it('is no slip of the pen where words differ', () => {
    expect(misspelt('n_layers', ['n_layer', 'n_head'])).toBe('n_layer');
    expect(misspelt('token_dropout_p', ['embedding_type', 'encoder_block_causal'])).toBeUndefined();
    expect(misspelt('ema', ['dim'])).toBeUndefined();
  });
});
