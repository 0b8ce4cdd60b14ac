import { checkArguments } from '../check-arguments.js';
import type { Engine } from '../engine.js';
import { float32, named } from '../types.js';
import { type ConformanceCase, conformanceCases } from './cases.js';

/** What WebGPU's language leaves to drivers: NaN and infinities, and sines and cosines beyond 2^-11. */
const leftToDrivers = /\b(sin|cos) of|special values/;

/**
 * The suite for an engine on WebGPU: all of it where the driver's sine is as good as that of others, else without
 * the cases in which the results of a driver may differ.
 * @see https://www.w3.org/TR/WGSL/#floating-point-accuracy
 */
export async function shaderCases(engine: Engine): Promise<ConformanceCase[]> {
  checkArguments('shaderCases', { engine }, { engine: 'Engine' });
  const angles = [1, 2, 3, 4, 5, 6];
  const compiled = engine.compile((ops, inputs) => ({ y: ops.sin(named(inputs, 'x')) }));
  const { data } = named(await compiled.run({ x: float32([angles.length], angles) }), 'y');
  await compiled.dispose();
  const isPrecise = angles.every((angle, i) => Math.abs(Math.sin(angle) - (data[i] as number)) < 1e-6);
  return conformanceCases().filter(({ name }) => isPrecise || !leftToDrivers.test(name));
}
