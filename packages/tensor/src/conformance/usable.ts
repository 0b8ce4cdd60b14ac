import { checkArguments } from '../check-arguments.js';
import type { Engine } from '../engine.js';
import { float32, named } from '../types.js';

/** Width of the matrices: engines that compute in float16 do so in products of this size. */
const width = 32;

const warn = (reason: string): void => console.warn(`Left out, the engine cannot compute here: ${reason}`);

/**
 * Creates an engine and computes a product of matrices with it, for tests on a device that a machine may lack, such as a GPU.
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
    const compiled = engine.compile((ops, inputs) => {
      const x = named(inputs, 'x');
      return { y: ops.neg(ops.matmul(x, x)) };
    });
    const identity = float32([width, width]);
    for (let i = 0; i < width; i++) identity.data[i * width + i] = 1;
    const { y } = await compiled.run({ x: identity });
    await compiled.dispose();
    if (y?.data[0] === -1) return engine;
    report(`expected -1, got ${y?.data[0]} of ${engine.name}`);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
  }
  await engine?.dispose();
  return undefined;
}
