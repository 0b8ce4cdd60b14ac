import { checkArguments } from '../check-arguments.js';
import type { Engine } from '../engine.js';
import type { TensorFunction } from '../ops.js';
import type { AttributesOf, Primitive } from '../primitives.js';
import { float32, formatType, type HostTensor, named, type Tensors } from '../types.js';
import type { PrimitiveCase, PrimitiveCases, Tolerance } from './case.js';
import { compositions } from './compositions.js';
import { elementwiseCases } from './elementwise.js';
import { applicationOf, gradientOf, inputName } from './functions.js';
import { imageCases } from './images.js';
import { indexingCases } from './indexing.js';
import { layoutCases } from './layout.js';
import { productCases } from './products.js';
import { reductionCases } from './reductions.js';

/** Cases of every primitive. */
export const primitiveCases: PrimitiveCases<Primitive> = {
  ...elementwiseCases,
  ...layoutCases,
  ...indexingCases,
  ...reductionCases,
  ...productCases,
  ...imageCases,
};

/** Function and inputs on which an implementation of the tensor interface must agree with the reference. */
export interface ConformanceCase {
  /** Unique name. It begins with the primitive's name, or with `gradient of` and that name. */
  readonly name: string;
  readonly fn: TensorFunction;
  readonly inputs: Tensors<HostTensor>;
  readonly tolerance: Tolerance;
}

/** Tolerance for gradients, which chain several primitives. */
const gradientTolerance: Tolerance = { relative: 1e-4, absolute: 1e-5 };

/** Cases of a primitive. Each differentiable one is followed by the case of its gradient. */
function casesOf<P extends Primitive>(primitive: P): ConformanceCase[] {
  return primitiveCases[primitive].flatMap((primitiveCase: PrimitiveCase<AttributesOf<P>>) => {
    const { inputs: ordered, tolerance, attributes, about, by } = primitiveCase;
    const types = ordered.map(formatType).join(' ');
    const settings = Object.keys(attributes).length > 0 ? ` ${JSON.stringify(attributes)}` : '';
    const name = `${primitive} of ${types}${settings}${about === undefined ? '' : `, ${about}`}`;
    const fn = applicationOf(primitive, primitiveCase);
    const inputs = Object.fromEntries(ordered.map((x, i) => [inputName(i), x]));
    const forward = { name, fn, inputs, tolerance };
    if (by.length === 0) return [forward];
    const gradient = gradientOf(fn, by.map(inputName));
    return [forward, { name: `gradient of ${name}`, fn: gradient, inputs, tolerance: gradientTolerance }];
  });
}

/**
 * Conformance suite for engines: each primitive over shapes, broadcasting, edge cases and special values, gradients, and
 * functions of several primitives. It works with any test runner; see `checkCase`.
 */
export function conformanceCases(): ConformanceCase[] {
  const primitives = Object.keys(primitiveCases) as Primitive[];
  return [
    ...primitives.flatMap((primitive) => casesOf(primitive)),
    ...compositions.map((composition) => ({ ...composition, tolerance: gradientTolerance })),
  ];
}

/** Cases that WebGPU's language leaves to drivers: NaN, infinities, and sines and cosines beyond 2^-11. */
const leftToDrivers = /\b(sin|cos) of|special values/;

/**
 * Conformance suite for an engine on WebGPU: all cases if the driver's sine is precise, else without the cases that drivers
 * may compute differently.
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
