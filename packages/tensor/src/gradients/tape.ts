import type { Backend } from '../backend.js';
import type { TensorFunction } from '../engine.js';
import { DparError } from '../error.js';
import { createOps, type Ops } from '../ops.js';
import type { AttributesOf, Primitive } from '../primitives.js';
import { formatType, sizeOf, type Tensors } from '../types.js';
import { sumOfGradients } from './accumulate.js';
import type { GradientRule, SliceGradientOf } from './rule.js';
import { gradientRules } from './rules.js';

/** The tape's tensor handle: a tensor of the implementation below, and whether the loss is differentiated through it. */
export interface Variable<T> {
  readonly value: T;
  readonly tracked: boolean;
}

interface Entry<T, P extends Primitive> {
  readonly primitive: P;
  readonly inputs: readonly Variable<T>[];
  readonly attributes: AttributesOf<P>;
  readonly output: Variable<T>;
}

/**
 * Records what a function does with tracked tensors, so that it can be differentiated in reverse. The tape is a backend
 * over any other `Ops`: run eagerly, traced into a graph, or recorded by another tape for second derivatives.
 */
export class Tape<T> {
  readonly ops: Ops<Variable<T>>;
  private readonly entries: Entry<T, Primitive>[] = [];

  constructor(private readonly base: Ops<T>) {
    const backend: Backend<Variable<T>> = {
      typeOf: (x) => base.typeOf(x.value),
      constant: (value) => ({ value: base.constant(value), tracked: false }),
      apply: (primitive, inputs, attributes) => {
        const value = base.apply(
          primitive,
          inputs.map((input) => input.value),
          attributes,
        );
        const tracked = base.typeOf(value).dtype === 'float32' && inputs.some((input) => input.tracked);
        const output = { value, tracked };
        if (tracked) this.entries.push({ primitive, inputs, attributes, output });
        return output;
      },
    };
    this.ops = createOps(backend);
  }

  /** A tensor to differentiate by (`tracked`), or a constant to the tape. */
  variable(value: T, tracked = true): Variable<T> {
    return { value, tracked: tracked && this.base.typeOf(value).dtype === 'float32' };
  }

  /**
   * Gradients of a scalar by tracked tensors, of their shapes; zeros where the scalar does not depend on one.
   * @throws DparError if `of` is not a single float32 element.
   */
  gradients(of: Variable<T>, by: readonly Variable<T>[]): T[] {
    const { base } = this;
    const type = base.typeOf(of.value);
    if (type.dtype !== 'float32' || sizeOf(type.shape) !== 1) {
      throw new DparError(
        `Tape.gradients: expected a scalar float32 to differentiate, got ${formatType(type)}. Reduce it with sum or mean.`,
      );
    }
    const parts = new Map<Variable<T>, (T | SliceGradientOf<T>)[]>([
      [of, [base.broadcast(base.scalar(1), type.shape)]],
    ]);
    const gradientOf = (variable: Variable<T>): T | undefined => {
      const found = parts.get(variable);
      return found && sumOfGradients(base, found, base.shapeOf(variable.value));
    };
    const wanted = new Set(by);
    for (const { primitive, inputs, attributes, output } of this.entries.toReversed()) {
      const g = gradientOf(output);
      if (g === undefined) continue;
      if (wanted.has(output)) parts.set(output, [g]);
      else parts.delete(output);
      const rule = gradientRules[primitive] as GradientRule<Primitive>;
      const pullbacks = rule({ ops: base, x: inputs.map((input) => input.value), y: output.value, attributes, g });
      inputs.forEach((input, i) => {
        const pullback = pullbacks[i];
        if (!input.tracked || !pullback) return;
        const list = parts.get(input);
        if (list === undefined) parts.set(input, [pullback()]);
        else list.push(pullback());
      });
    }
    return by.map((variable) => {
      const shape = base.shapeOf(variable.value);
      return gradientOf(variable) ?? base.broadcast(base.scalar(0), shape);
    });
  }
}

/** What {@link valueAndGradients} differentiates. */
export interface GradientOptions {
  /** Name of the scalar output to differentiate. */
  readonly of: string;
  /** Names of the inputs to differentiate by. */
  readonly by: readonly string[];
}

/**
 * Runs a function and differentiates one of its outputs by some of its inputs.
 * @returns All outputs, and the gradients under the names of their inputs.
 * @throws DparError for a name that is not there, an input that is not float32, or an output that is no scalar.
 */
export function valueAndGradients<T>(
  ops: Ops<T>,
  fn: TensorFunction,
  inputs: Tensors<T>,
  options: GradientOptions,
): { outputs: Tensors<T>; gradients: Tensors<T> } {
  const tape = new Tape(ops);
  const wanted = new Set(options.by);
  const variables: Record<string, Variable<T>> = {};
  for (const [name, value] of Object.entries(inputs)) variables[name] = tape.variable(value, wanted.has(name));
  const by = options.by.map((name) => {
    const variable = variables[name];
    if (!variable?.tracked) {
      const got = variable ? formatType(ops.typeOf(variable.value)) : `inputs ${Object.keys(inputs).join(', ')}`;
      throw new DparError(`valueAndGradients: expected a float32 input '${name}' to differentiate by, got ${got}.`);
    }
    return variable;
  });
  const outputs = fn(tape.ops, variables);
  const of = outputs[options.of];
  if (of === undefined) {
    throw new DparError(
      `valueAndGradients: expected an output '${options.of}', got ${Object.keys(outputs).join(', ')}.`,
    );
  }
  const gradients = tape.gradients(of, by);
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, variable]) => [name, variable.value])),
    gradients: Object.fromEntries(options.by.map((name, i) => [name, gradients[i] as T])),
  };
}
