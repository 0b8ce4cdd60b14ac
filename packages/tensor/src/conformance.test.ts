import { describe, expect, it } from 'vitest';
import { checkCase, conformanceCases, findMismatch, shaderCases, usableEngine } from './conformance.js';
import { createReferenceEngine, type Engine, float32, int32, named } from './index.js';

const cases = conformanceCases();

describe('the reference engine', () => {
  const engine = createReferenceEngine();
  it.each(cases)('$name', async (conformanceCase) => {
    expect(await checkCase(engine, conformanceCase)).toBeUndefined();
  });
});

it('cases have names of their own', () => {
  const names = cases.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

describe('findMismatch', () => {
  const tolerance = { relative: 0.1, absolute: 0.01 };
  const check = (actual: number[], expected: number[]) =>
    findMismatch({ y: float32([expected.length], actual) }, { y: float32([expected.length], expected) }, tolerance);

  it('allows for the absolute and the relative tolerance and no more', () => {
    expect(check([0.009, 10.9, -10.9], [0, 10, -10])).toBeUndefined();
    expect(check([0, 11.1], [0, 10])).toBe("output 'y': expected 10 at place 1 of float32[2], got 11.100000381469727");
    expect(check([0.02], [0])).toContain('expected 0 at place 0');
  });

  it('takes NaN and infinities only for themselves', () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    expect(check([nan, infinity, -infinity], [nan, infinity, -infinity])).toBeUndefined();
    expect(check([nan], [1])).toContain('got NaN');
    expect(check([1], [nan])).toContain('expected NaN');
    expect(check([infinity], [1])).toContain('got Infinity');
    expect(check([1e38], [infinity])).toContain('expected Infinity');
    expect(check([-infinity], [infinity])).toContain('got -Infinity');
  });

  it('compares names, types and shapes', () => {
    const y = float32([2]);
    expect(findMismatch({ y, z: y }, { y }, tolerance)).toBe('expected outputs y, got y, z');
    expect(findMismatch({}, { y }, tolerance)).toBe('expected outputs y, got ');
    expect(findMismatch({ y: int32([2]) }, { y }, tolerance)).toContain('expected float32[2], got int32[2]');
    expect(findMismatch({ y: float32([1, 2]) }, { y }, tolerance)).toContain('expected float32[2], got float32[1, 2]');
  });
});

describe('shaderCases', () => {
  it('are all cases where sines are good to the last digits', async () => {
    expect((await shaderCases(createReferenceEngine())).map(({ name }) => name)).toEqual(cases.map(({ name }) => name));
  });

  it('leave out what a driver may do otherwise where they are not', async () => {
    const precise = createReferenceEngine();
    const coarse: Engine = {
      ...precise,
      compile: () => precise.compile((ops, x) => ({ y: ops.add(ops.sin(named(x, 'x')), 1e-4) })),
    };
    const names = (await shaderCases(coarse)).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(600);
    expect(names.filter((name) => /(^|of )(sin|cos) of/.test(name))).toEqual([]);
    expect(names.filter((name) => name.includes('special values'))).toEqual([]);
  });
});

describe('usableEngine', () => {
  const reference = createReferenceEngine();

  /** Its result for an engine, and the reasons that it reports. */
  async function tried(create: () => Promise<Engine>) {
    const reasons: string[] = [];
    const engine = await usableEngine(create, (reason) => void reasons.push(reason));
    return { engine, reasons };
  }

  /** An engine whose functions return y, which counts how often it is disposed. */
  function returning(y: () => number) {
    const counts = { disposed: 0 };
    const engine: Engine = {
      ...reference,
      name: 'a driver',
      compile: (fn) => Object.assign(reference.compile(fn), { run: async () => ({ y: float32([1], [y()]) }) }),
      dispose: async () => void counts.disposed++,
    };
    return { engine, counts };
  }

  it('returns an engine that computes', async () => {
    expect(await tried(async () => reference)).toEqual({ engine: reference, reasons: [] });
    const { engine, counts } = returning(() => -1);
    expect(await tried(async () => engine)).toEqual({ engine, reasons: [] });
    expect(counts.disposed).toBe(0);
  });

  it('reports why an engine cannot be created', async () => {
    const missing = () => Promise.reject(new Error('no GPU'));
    expect(await tried(missing)).toEqual({ engine: undefined, reasons: ['no GPU'] });
  });

  it('disposes an engine that fails, or computes something else', async () => {
    const failing = returning(() => {
      throw new Error('device lost');
    });
    expect(await tried(async () => failing.engine)).toEqual({ engine: undefined, reasons: ['device lost'] });
    const wrong = returning(() => 0);
    const reason = 'expected -1, got 0 of a driver';
    expect(await tried(async () => wrong.engine)).toEqual({ engine: undefined, reasons: [reason] });
    expect([failing.counts.disposed, wrong.counts.disposed]).toEqual([1, 1]);
  });
});
