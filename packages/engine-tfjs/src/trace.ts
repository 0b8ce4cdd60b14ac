import {
  type AttributesOf,
  type Backend,
  callFunction,
  createOps,
  type HostTensor,
  type Primitive,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';

/** A value in a traced function. */
export type TracedValue = { readonly type: TensorType } & (
  | { readonly kind: 'input'; readonly name: string }
  /** An input that never changes. */
  | { readonly kind: 'constant'; readonly name: string }
  /** A constant that the function made. */
  | { readonly kind: 'literal'; readonly value: HostTensor }
  | TracedStep
);

/** One application of a primitive, and its result. */
export interface TracedStep {
  readonly kind: 'step';
  readonly type: TensorType;
  readonly primitive: Primitive;
  readonly inputs: readonly TracedValue[];
  readonly attributes: AttributesOf<Primitive>;
}

/** What a function does for inputs of certain types. */
export interface Traced {
  /** The steps that outputs depend on, each after those whose results it takes. */
  readonly steps: readonly TracedStep[];
  readonly outputs: Tensors<TracedValue>;
}

/**
 * Records what a function does, without computing.
 * @throws DparError if it reads an input that is not there, and what the function throws.
 */
export function trace(fn: TensorFunction, inputs: Tensors<TensorType>, constants: Tensors<HostTensor>): Traced {
  const all: TracedStep[] = [];
  const recorder: Backend<TracedValue> = {
    typeOf: (x) => x.type,
    constant: (value) => ({ kind: 'literal', type: { dtype: value.dtype, shape: value.shape }, value }),
    apply: (primitive, operands, attributes, type) => {
      const step: TracedStep = { kind: 'step', type, primitive, inputs: operands, attributes };
      all.push(step);
      return step;
    },
  };
  const given: Record<string, TracedValue> = {};
  for (const [name, type] of Object.entries(inputs)) given[name] = { kind: 'input', name, type };
  for (const [name, { dtype, shape }] of Object.entries(constants)) {
    given[name] = { kind: 'constant', name, type: { dtype, shape } };
  }
  const outputs = { ...callFunction(fn, createOps(recorder), given) };
  return { steps: reachable(all, Object.values(outputs)), outputs };
}

/** Those steps that results depend on, in order. */
function reachable(steps: readonly TracedStep[], results: readonly TracedValue[]): TracedStep[] {
  const needed = new Set<TracedValue>(results);
  // Each step comes after its inputs, so that one walk from the end finds all.
  for (const step of steps.toReversed()) if (needed.has(step)) for (const input of step.inputs) needed.add(input);
  return steps.filter((step) => needed.has(step));
}
