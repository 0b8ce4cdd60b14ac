import { checkArguments } from '../check-arguments.js';
import type { Engine } from '../engine.js';
import { float32, named } from '../types.js';

const warn = (reason: string): void => console.warn(`Left out, the engine cannot compute here: ${reason}`);

/**
 * Creates an engine and computes a number with it, for tests on a device that a machine may lack, such as a GPU.
 * @param create Creates the engine, such as `() => createOrtEngine({ device: 'webgpu' })`.
 * @param report Receives the reason why it cannot compute here. Default: a warning on the console.
 * @returns The engine, or `undefined` if it cannot compute here.
 */
export async function usableEngine(
  create: () => Promise<Engine>,
  report: (reason: string) => void = warn,
): Promise<Engine | undefined> {
  checkArguments('usableEngine', { create, report }, { create: 'function', report: 'function' });
  let engine: Engine | undefined;
  try {
    engine = await create();
    const negated = engine.compile((ops, inputs) => ({ y: ops.neg(named(inputs, 'x')) }));
    const { y } = await negated.run({ x: float32([1], [1]) });
    await negated.dispose();
    if (y?.data[0] === -1) return engine;
    report(`expected -1, got ${y?.data[0]} of ${engine.name}`);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
  }
  await engine?.dispose();
  return undefined;
}
