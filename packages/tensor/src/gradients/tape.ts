import { type KindsOf, listOf } from '@dpar/check';
import type { Backend } from '../backend.js';
import { checkArguments } from '../check-arguments.js';
import { createOps } from '../create-ops.js';
import { DparError } from '../error.js';
import type { Ops, TensorFunction } from '../ops.js';
import type { Primitive } from '../primitives.js';
import { formatType, named, sizeOf, type Tensors } from '../types.js';
import { sumOfGradients } from './accumulate.js';
import type { GradientRule, SliceGradientOf } from './rule.js';
import { gradientRules } from './rules.js';

/** The tape's tensor handle: a tensor of the implementation below, and whether the loss is differentiated through it. */
export interface Variable<T> {
  /** The tensor itself, of the interface below the tape. */
  readonly value: T;
  readonly tracked: boolean;
}

const variableKinds: KindsOf<Variable<object>> = { value: 'Tensor', tracked: 'boolean', '*': 'any' };

/** A gradient of an input, computed when it is asked for. */
type Pullback<T> = () => T | SliceGradientOf<T>;

/** Something that was done with tracked tensors. */
interface Entry<T> {
  readonly inputs: readonly Variable<T>[];
  readonly outputs: readonly Variable<T>[];
  /** From the gradients of the outputs, of which one at least is there, those of the inputs. */
  pullbacks(gradients: readonly (T | undefined)[]): readonly (Pullback<T> | null)[];
}

/**
 * Records what a function does with tracked tensors, so that it can be differentiated in reverse. The tape is a backend
 * over any other `Ops`: run eagerly, traced into a graph, or recorded by another tape for second derivatives.
 */
export class Tape<T> {
  readonly ops: Ops<Variable<T>>;
  private readonly entries: Entry<T>[] = [];
  /** Tensors that were computed on the tape. */
  private readonly computed = new Set<Variable<T>>();

  constructor(private readonly base: Ops<T>) {
    checkArguments('Tape', { base }, { base: 'Ops' });

    const backend: Backend<Variable<T>> = {
      typeOf: (x) => base.typeOf(x.value),
      constant: (value) => ({ value: base.constant(value), tracked: false }),
      range: (size) => ({ value: base.range(size), tracked: false }),
      apply: (primitive, inputs, attributes) => {
        const x = inputs.map((input) => input.value);
        const y = base.apply(primitive, x, attributes);
        const output = this.variable(y, isTracked(inputs));
        const rule = gradientRules[primitive] as GradientRule<Primitive>;
        const pullbacks = ([g]: readonly (T | undefined)[]) => rule({ ops: base, x, y, attributes, g: g as T });
        this.record({ inputs, outputs: [output], pullbacks });
        return output;
      },
      recompute: (fn, inputs) => this.recompute(fn, inputs),
    };
    this.ops = createOps(backend);
  }

  /** A tensor to differentiate by (`tracked`), or a constant to the tape. */
  variable(value: T, tracked = true): Variable<T> {
    checkArguments('Tape.variable', { value, tracked }, { value: 'Tensor', 'tracked?': 'boolean' });

    return { value, tracked: tracked && this.base.typeOf(value).dtype === 'float32' };
  }

  /**
   * Gradients of a scalar by tracked tensors, of their shapes; zeros where the scalar does not depend on one.
   * @throws DparError if `of` is not a single float32 element.
   */
  gradients(of: Variable<T>, by: readonly Variable<T>[]): T[] {
    checkArguments('Tape.gradients', { of, by }, { of: variableKinds, by: listOf(variableKinds) });

    const { base } = this;
    const type = base.typeOf(of.value);
    if (type.dtype !== 'float32' || sizeOf(type.shape) !== 1) {
      throw new DparError(
        `Tape.gradients: expected a scalar float32 to differentiate, got ${formatType(type)}. Reduce it with sum or mean.`,
      );
    }
    return this.pullback(new Map([[of, base.broadcast(base.scalar(1), type.shape)]]), by);
  }

  /**
   * Gradients of a scalar by tracked tensors, given its gradients by others that were computed from them.
   * @returns Tensors of the shapes of `by`; zeros where nothing depends on one.
   */
  private pullback(given: ReadonlyMap<Variable<T>, T>, by: readonly Variable<T>[]): T[] {
    const { base } = this;
    const parts = new Map<Variable<T>, (T | SliceGradientOf<T>)[]>();
    for (const [variable, gradient] of given) parts.set(variable, [gradient]);
    const gradientOf = (variable: Variable<T>): T | undefined => {
      const found = parts.get(variable);
      return found && sumOfGradients(base, found, base.shapeOf(variable.value));
    };
    const wanted = new Set(by);
    for (const { inputs, outputs, pullbacks } of this.entries.toReversed()) {
      const gradients = outputs.map((output) => {
        const g = gradientOf(output);
        if (g !== undefined && wanted.has(output)) parts.set(output, [g]);
        else parts.delete(output);
        return g;
      });
      if (gradients.every((g) => g === undefined)) continue;
      const found = pullbacks(gradients);
      inputs.forEach((input, i) => {
        const pullback = found[i];
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

  private record(entry: Entry<T>): void {
    const tracked = entry.outputs.filter((output) => output.tracked);
    if (tracked.length === 0) return;
    this.entries.push(entry);
    for (const output of tracked) this.computed.add(output);
  }

  private recompute(fn: TensorFunction, inputs: Tensors<Variable<T>>): Tensors<Variable<T>> {
    const { base } = this;
    const names = Object.keys(inputs);
    const given = Object.values(inputs);
    const tracked = isTracked(given);
    const results = Object.entries(
      base.recompute(
        fn,
        mapValues(inputs, ({ value }) => value),
      ),
    );
    const outputs = results.map(([name, value]) => [name, this.variable(value, tracked)] as const);
    this.record({
      inputs: given,
      outputs: outputs.map(([, output]) => output),
      pullbacks: (gradients) => {
        // Engines choose an order of their own, so what must wait is made to depend on what it waits for: what was
        // computed on the tape is read only once a gradient is there, and its gradient is passed on only once those by
        // the other inputs are there, which frees what they were computed from.
        const after = zeroFrom(base, gradients.filter((g) => g !== undefined).slice(0, 1));
        const tape = new Tape(base);
        const variables = given.map((input) =>
          tape.variable(this.computed.has(input) ? base.add(input.value, after) : input.value, input.tracked),
        );
        const again = fn(tape.ops, Object.fromEntries(names.map((name, i) => [name, variables[i] as Variable<T>])));
        const known = new Map<Variable<T>, T>();
        outputs.forEach(([name], i) => {
          const g = gradients[i];
          const variable = named(again, name);
          const other = known.get(variable);
          if (g !== undefined) known.set(variable, other === undefined ? g : base.add(other, g));
        });
        const found = tape.pullback(known, variables);
        const settled = zeroFrom(
          base,
          found.filter((_, i) => given[i]?.tracked && !this.computed.has(given[i])),
        );
        return given.map((input, i) => {
          const gradient = found[i] as T;
          return () => (this.computed.has(input) ? base.add(gradient, settled) : gradient);
        });
      },
    });
    return Object.fromEntries(outputs);
  }
}

function isTracked(inputs: readonly Variable<unknown>[]): boolean {
  return inputs.some((input) => input.tracked);
}

/** The number 0 as something that is computed from tensors, at almost no cost. */
function zeroFrom<T>(ops: Ops<T>, tensors: readonly T[]): T {
  const firsts = tensors.map((x) => ops.reshape(ops.slice(ops.reshape(x, [-1]), 0, 0, 1), []));
  return ops.mul(
    firsts.reduce((sum, first) => ops.add(sum, first), ops.scalar(0)),
    0,
  );
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

/** What {@link valueAndGradients} differentiates. */
export interface GradientOptions {
  /** Name of the scalar output to differentiate. */
  readonly of: string;
  /** Names of the inputs to differentiate by. */
  readonly by: readonly string[];
}

const gradientOptionsKinds: KindsOf<GradientOptions> = { of: 'string', by: 'string[]' };

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
  checkArguments(
    'valueAndGradients',
    { ops, fn, inputs, options },
    { ops: 'Ops', fn: 'function', inputs: 'object', options: gradientOptionsKinds },
  );

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
    outputs: mapValues(outputs, (variable) => variable.value),
    gradients: Object.fromEntries(options.by.map((name, i) => [name, gradients[i] as T])),
  };
}
