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

/** Value in a traced function. */
export type TracedValue = { readonly type: TensorType } & (
  | { readonly kind: 'input'; readonly name: string }
  /** Input that never changes. */
  | { readonly kind: 'constant'; readonly name: string }
  /** Constant made by the function. */
  | { readonly kind: 'literal'; readonly value: HostTensor }
  | TracedStep
);

/** Application of a primitive, and its result. */
export interface TracedStep {
  readonly kind: 'step';
  readonly type: TensorType;
  readonly primitive: Primitive;
  readonly inputs: readonly TracedValue[];
  readonly attributes: AttributesOf<Primitive>;
}

/** Function traced for certain types of inputs. */
export interface Traced {
  /** Steps that outputs depend on, in topological order. */
  readonly steps: readonly TracedStep[];
  readonly outputs: Tensors<TracedValue>;
}

/**
 * Records the steps of a function without computing.
 * @throws DparError if it reads a missing input. Errors of the function pass through.
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

/** Steps that results depend on, in order. */
function reachable(steps: readonly TracedStep[], results: readonly TracedValue[]): TracedStep[] {
  const needed = new Set<TracedValue>(results);
  // Each step comes after its inputs, so one walk from the end finds all.
  for (const step of steps.toReversed()) if (needed.has(step)) for (const input of step.inputs) needed.add(input);
  return steps.filter((step) => needed.has(step));
}
