import {
  type AttributesOf,
  DparError,
  type HostTensor,
  isDparError,
  named,
  type Primitive,
  type TensorFunction,
  type Tensors,
  type TensorType,
} from '@dpar/tensor';
import type { Constants } from './constants.js';
import type { GpuDevice } from './device-errors.js';
import { toTfjs } from './host-tensor.js';
import type { KernelContext } from './kernels/kernel.js';
import { applyKernel } from './ops.js';
import type { Tfjs, TfjsTensor } from './tfjs.js';
import { type TracedStep, type TracedValue, trace } from './trace.js';

/** Namespace and backend that a program runs on. */
export interface Computer {
  readonly tf: Tfjs;
  readonly backend: string;
  /** Device of the WebGPU backend, which reports errors. */
  readonly device?: GpuDevice | undefined;
}

/** Value that steps read: an input, a constant, or the result of a step. */
type Value = TracedValue | { readonly kind: 'matrix'; readonly name: string };

interface Step {
  readonly primitive: Primitive;
  readonly attributes: AttributesOf<Primitive>;
  readonly type: TensorType;
  readonly inputs: readonly Value[];
  readonly result: Value;
  /** Values that no later step reads. */
  readonly last: readonly Value[];
}

/** Function for inputs of certain types: a list of steps. Values are freed after the last step that reads them. */
export class Program {
  readonly outputNames: readonly string[];
  private readonly steps: readonly Step[];
  private readonly outputs: readonly Value[];
  private readonly label: string;

  /** @throws DparError if the function reads a missing input. Errors of the function pass through. */
  constructor(
    private readonly computer: Computer,
    fn: TensorFunction,
    inputTypes: Tensors<TensorType>,
    private readonly constants: Constants,
  ) {
    this.label = fn.name || 'function';
    const traced = trace(fn, inputTypes, constants.host);
    this.outputNames = Object.keys(traced.outputs);
    this.outputs = Object.values(traced.outputs);
    const matrices = new Map<string, Value>();
    const steps = traced.steps.map((step) =>
      constants.preparesMatrices ? withMatrix(step, matrices, constants) : step,
    );
    this.steps = withLastReads(steps, traced.steps, this.outputs);
    this.prepareMatrices([...matrices.keys()]);
  }

  /**
   * Runs the steps.
   * @param inputs Host tensors, or tensors of the backend, which stay as they are.
   * @returns The outputs in order, kept: dispose them.
   */
  run(inputs: Tensors<HostTensor | TfjsTensor>): TfjsTensor[] {
    const { tf, backend } = this.computer;
    const kept: TfjsTensor[] = [];
    const keep = (x: TfjsTensor): TfjsTensor => {
      kept.push(tf.keep(x));
      return x;
    };
    const shared = new Map<string, TfjsTensor>();
    const context: KernelContext = {
      tf,
      backend,
      shared: (key, make) => {
        const found = shared.get(key) ?? tf.keep(make());
        shared.set(key, found);
        return found;
      },
    };
    try {
      tf.tidy(() => {
        this.runSteps(context, inputs, keep);
        return undefined;
      });
      return kept;
    } catch (error) {
      for (const x of kept) x.dispose();
      throw error;
    } finally {
      for (const x of shared.values()) x.dispose();
    }
  }

  private runSteps(
    context: KernelContext,
    inputs: Tensors<HostTensor | TfjsTensor>,
    keep: (x: TfjsTensor) => TfjsTensor,
  ): void {
    const { tf } = context;
    /** Tensors made or uploaded in this run. */
    const own = new Map<Value, TfjsTensor>();
    const tensorOf = (value: Value): TfjsTensor => {
      const known = own.get(value);
      if (known !== undefined) return known;
      if (value.kind === 'matrix') return this.constants.matrix(value.name);
      if (value.kind === 'constant') return this.constants.tensor(value.name);
      const given = value.kind === 'literal' ? value.value : named(inputs, (value as { name: string }).name);
      if (!('data' in given) || typeof given.data === 'function') return given as TfjsTensor;
      const moved = toTfjs(tf, given as HostTensor);
      own.set(value, moved);
      return moved;
    };
    for (const { primitive, attributes, type, inputs: operands, result, last } of this.steps) {
      own.set(
        result,
        this.guarded(primitive, () => applyKernel(context, primitive, operands.map(tensorOf), attributes, type)),
      );
      for (const value of last) {
        own.get(value)?.dispose();
        own.delete(value);
      }
    }
    const taken = new Set<TfjsTensor>();
    for (const value of this.outputs) {
      const x = tensorOf(value);
      // Each output is a tensor of its own.
      const free = own.has(value) && !taken.has(x);
      taken.add(x);
      keep(free ? x : tf.reshape(x, x.shape));
    }
  }

  /** Prepares constant matrices, and frees those that are read in products only. */
  private prepareMatrices(names: readonly string[]): void {
    const read = new Set<Value>([...this.outputs, ...this.steps.flatMap(({ inputs }) => inputs)]);
    const plain = new Set([...read].flatMap((value) => (value.kind === 'constant' ? [value.name] : [])));
    for (const name of names) {
      this.constants.matrix(name);
      if (!plain.has(name)) this.constants.forget(name);
    }
  }

  /** Turns errors of TensorFlow.js into DparErrors that name the function and the primitive. */
  private guarded<V>(primitive: Primitive, call: () => V): V {
    try {
      return call();
    } catch (cause) {
      if (isDparError(cause)) throw cause;
      const message = cause instanceof Error ? cause.message : cause;
      throw new DparError(`run: TensorFlow.js failed in '${this.label}', at ${primitive}: ${message}`, { cause });
    }
  }
}

type Unfreed = Omit<Step, 'last' | 'result'>;

/** Makes a step x W^T with a constant W read the prepared matrix. Other steps stay as they are. */
function withMatrix(step: TracedStep, matrices: Map<string, Value>, { transposesMatrices }: Constants): Unfreed {
  const [a, b] = step.inputs;
  const attributes = step.attributes as AttributesOf<'matmul'>;
  if (step.primitive !== 'matmul' || !attributes.transposeB || !a || b?.kind !== 'constant') return step;
  if (b.type.shape.length !== 2) return step;
  const matrix: Value = matrices.get(b.name) ?? { kind: 'matrix', name: b.name };
  matrices.set(b.name, matrix);
  return { ...step, inputs: [a, matrix], attributes: { ...attributes, transposeB: !transposesMatrices } };
}

/** Adds to each step the values to free after it. */
function withLastReads(
  steps: readonly Unfreed[],
  results: readonly TracedStep[],
  outputs: readonly Value[],
): readonly Step[] {
  const read = new Set<Value>(outputs);
  return steps
    .map((step, i): readonly [Unfreed, Value] => [step, results[i] as TracedStep])
    .toReversed()
    .map(([step, result]): Step => {
      const last = [...new Set(step.inputs)].filter((value) => !read.has(value));
      for (const value of last) read.add(value);
      const { primitive, attributes, type, inputs } = step;
      return { primitive, attributes, type, inputs, result, last };
    })
    .toReversed();
}
