import { checkArguments } from '../check-arguments.js';
import type { Engine } from '../engine.js';
import { referenceOps } from '../reference/ops.js';
import { sameShape } from '../shape.js';
import { formatType, type HostTensor, type Tensors } from '../types.js';
import type { Tolerance } from './case.js';
import type { ConformanceCase } from './cases.js';

function matches(actual: number, expected: number, { relative, absolute }: Tolerance): boolean {
  if (Number.isNaN(expected)) return Number.isNaN(actual);
  if (!Number.isFinite(expected)) return actual === expected;
  return Math.abs(actual - expected) <= absolute + relative * Math.abs(expected);
}

function tensorMismatch(actual: HostTensor, expected: HostTensor, tolerance: Tolerance): string | undefined {
  if (actual.dtype !== expected.dtype || !sameShape(actual.shape, expected.shape)) {
    return `expected ${formatType(expected)}, got ${formatType(actual)}`;
  }
  if (actual.data.length !== expected.data.length) {
    return `expected ${expected.data.length} elements, got ${actual.data.length}`;
  }
  const wrong = expected.data.findIndex((value, i) => !matches(actual.data[i] as number, value, tolerance));
  if (wrong < 0) return undefined;
  return `expected ${expected.data[wrong]} at place ${wrong} of ${formatType(expected)}, got ${actual.data[wrong]}`;
}

/**
 * Describes the first difference between tensors by name, or returns `undefined` if there is none. NaN matches NaN, and each
 * infinity itself. Types and shapes must be equal.
 */
export function findMismatch(
  actual: Tensors<HostTensor>,
  expected: Tensors<HostTensor>,
  tolerance: Tolerance,
): string | undefined {
  checkArguments(
    'findMismatch',
    { actual, expected, tolerance },
    { actual: 'object', expected: 'object', tolerance: { relative: 'number', absolute: 'number', '*': 'any' } },
  );
  const [names, wanted] = [Object.keys(actual).sort().join(', '), Object.keys(expected).sort().join(', ')];
  if (names !== wanted) return `expected outputs ${wanted}, got ${names}`;
  for (const [name, value] of Object.entries(expected)) {
    const mismatch = tensorMismatch(actual[name] as HostTensor, value, tolerance);
    if (mismatch !== undefined) return `output '${name}': ${mismatch}`;
  }
  return undefined;
}

/**
 * Runs a case on an engine and compares the result with the reference implementation.
 * @returns Description of the first difference, or `undefined` if the engine agrees.
 * @throws DparError and other errors of the engine.
 */
export async function checkCase(engine: Engine, conformanceCase: ConformanceCase): Promise<string | undefined> {
  checkArguments(
    'checkCase',
    { engine, conformanceCase },
    { engine: 'Engine', conformanceCase: { fn: 'function', inputs: 'object', tolerance: 'object', '*': 'any' } },
  );
  const { fn, inputs, tolerance } = conformanceCase;
  const compiled = engine.compile(fn);
  try {
    return findMismatch(await compiled.run(inputs), fn(referenceOps, inputs), tolerance);
  } finally {
    await compiled.dispose();
  }
}
