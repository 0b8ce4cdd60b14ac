import { checkArguments } from '../check-arguments.js';
import type { Engine } from '../engine.js';
import { referenceOps } from '../reference/ops.js';
import type { ConformanceCase } from './cases.js';
import { findMismatch } from './compare.js';

/**
 * Runs a case on an engine and compares with the reference implementation.
 * @returns The first difference in words, or `undefined` if the engine agrees.
 * @throws the engine's error, if it fails.
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
