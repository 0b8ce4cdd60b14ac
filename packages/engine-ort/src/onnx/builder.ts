import { type HostTensor, type Shape, sizeOf } from '@dpar/tensor';
import type { ElementType, OnnxAttributes, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js';

/** Domain of ONNX Runtime's own operators. */
export const microsoft = 'com.microsoft';

/** The operator set that the emitters are written for; ONNX Runtime 1.22 and later run it. */
const opset = 20;

/** How a graph is written. */
export interface BuilderOptions {
  readonly name: string;
  /** Names that inputs and outputs take, so that inner values stay clear of them. */
  readonly reserved: Iterable<string>;
  /** Standard operators only, for other runtimes than ONNX Runtime. */
  readonly portable?: boolean;
}

/** Collects the nodes and constants of an ONNX graph; the same application or constant is never added twice. */
export class OnnxBuilder {
  readonly portable: boolean;
  private readonly name: string;
  private readonly taken: Set<string>;
  private readonly inputs: OnnxValue[] = [];
  private readonly outputs: OnnxValue[] = [];
  private readonly initializers: OnnxTensor[] = [];
  private readonly nodes: OnnxNode[] = [];
  private readonly known = new Map<string, string>();
  /** Inner values that became graph outputs. */
  private readonly renamed = new Map<string, string>();
  private readonly produced = new Set<string>();

  constructor(options: BuilderOptions) {
    this.name = options.name;
    this.taken = new Set(options.reserved);
    this.portable = options.portable ?? false;
  }

  /** Adds a graph input. */
  input(name: string, type: ElementType, shape: Shape): string {
    this.inputs.push({ name, type, shape });
    return name;
  }

  /** Adds a constant. Callers see to it that no constant comes twice. */
  initializer(value: HostTensor, hint = 'constant'): string {
    const name = this.freshName(hint);
    this.initializers.push({ name, type: value.dtype, shape: value.shape, data: value.data });
    return name;
  }

  /** A constant of int64, as shapes, axes and positions are given: a vector unless `shape` says otherwise. */
  int64(values: readonly number[], shape: Shape = [values.length]): string {
    return this.once(`int64 [${shape}] ${values}`, () => {
      const name = this.freshName('int64');
      this.initializers.push({ name, type: 'int64', shape, data: BigInt64Array.from(values, BigInt) });
      return name;
    });
  }

  /** A float32 scalar. */
  float(value: number): string {
    return this.once(`float ${Object.is(value, -0) ? '-0' : value}`, () =>
      this.initializer({ dtype: 'float32', shape: [], data: Float32Array.of(value) }, 'float'),
    );
  }

  /** A vector of float32. */
  floats(values: readonly number[]): string {
    return this.once(`floats ${values}`, () =>
      this.initializer({ dtype: 'float32', shape: [values.length], data: Float32Array.from(values) }, 'floats'),
    );
  }

  /** An int32 scalar. */
  int(value: number): string {
    return this.once(`int ${value}`, () =>
      this.initializer({ dtype: 'int32', shape: [], data: Int32Array.of(value) }, 'int'),
    );
  }

  /** Applies an operator with one output. */
  apply(opType: string, inputs: readonly string[], attributes: OnnxAttributes = {}, domain = ''): string {
    return this.once(`${domain} ${opType} ${JSON.stringify(attributes)} ${inputs.join(' ')}`, () => {
      const name = this.freshName(opType);
      this.nodes.push({ name, opType, domain, inputs, outputs: [name], attributes });
      this.produced.add(name);
      return name;
    });
  }

  /** x in another shape. */
  reshape(x: string, shape: Shape): string {
    // Zero stands for 'as in the input' unless allowzero is set.
    return this.apply('Reshape', [x, this.int64(shape)], sizeOf(shape) === 0 ? { allowzero: { int: 1 } } : {});
  }

  /** Makes a value a graph output. */
  output(value: string, name: string, type: ElementType, shape: Shape): void {
    this.outputs.push({ name, type, shape });
    if (this.produced.has(value) && !this.renamed.has(value)) this.renamed.set(value, name);
    // Inputs, constants and values that are an output already.
    else this.nodes.push({ name, opType: 'Identity', domain: '', inputs: [value], outputs: [name], attributes: {} });
  }

  /** The graph, without what no output depends on. */
  finish(): OnnxModel {
    const needed = new Set(this.outputs.map(({ name }) => name));
    for (const value of this.renamed.keys()) needed.add(value);
    const nodes = this.nodes
      .toReversed()
      .filter((node) => {
        if (!node.outputs.some((output) => needed.has(output))) return false;
        for (const input of node.inputs) needed.add(input);
        return true;
      })
      .reverse();
    const rename = (value: string): string => this.renamed.get(value) ?? value;
    return {
      name: this.name,
      inputs: this.inputs,
      outputs: this.outputs,
      initializers: this.initializers.filter(({ name }) => needed.has(name)),
      nodes: nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
      })),
      opsets: { '': opset, ...(nodes.some((node) => node.domain === microsoft) && { [microsoft]: 1 }) },
    };
  }

  private once(key: string, make: () => string): string {
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const made = make();
    this.known.set(key, made);
    return made;
  }

  private freshName(hint: string): string {
    let name = hint;
    for (let i = this.taken.size; this.taken.has(name); i++) name = `${hint}_${i}`;
    this.taken.add(name);
    return name;
  }
}
