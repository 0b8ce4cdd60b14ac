import {
  DparError,
  type HostTensor,
  type QuantizedMatrix,
  quantizeMatrix,
  type Shape,
  sizeOf,
  type WeightFormat,
} from '@dpar/tensor';
import { DynamicSizes } from '../graph/dynamic-sizes.js';
import { toHalf } from './half.js';
import type { ElementType, OnnxAttributes, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js';

/** Domain of ONNX Runtime's own operators. */
export const microsoft = 'com.microsoft';

/** Operator set of the emitters. ONNX Runtime 1.22 and later run it. */
const opset = 20;

/** Options of {@link OnnxBuilder}. */
export interface BuilderOptions {
  readonly name: string;
  /** Names of inputs and outputs, which inner values avoid. */
  readonly reserved: Iterable<string>;
  /** Uses standard operators only, for runtimes other than ONNX Runtime (default: false). */
  readonly portable?: boolean;
  /** Uses operators that run in ONNX Runtime's WebGPU provider (default: false). Others would run on the CPU, between copies. */
  readonly webgpu?: boolean;
  /** Format of constant matrices of products (default: float32). */
  readonly weights?: WeightFormat;
  /** Gives products with weights of 8 bits an even number of rows (default: false). */
  readonly evenRows?: boolean;
  /** Open sizes. */
  readonly dynamic?: DynamicSizes;
}

/** Collects the nodes and constants of an ONNX graph. Equal applications and constants are added once. */
export class OnnxBuilder {
  readonly portable: boolean;
  readonly webgpu: boolean;
  readonly weights: WeightFormat;
  readonly evenRows: boolean;
  readonly dynamic: DynamicSizes;
  private readonly name: string;
  private readonly taken: Set<string>;
  private readonly inputs: OnnxValue[] = [];
  private readonly outputs: OnnxValue[] = [];
  private readonly initializers: OnnxTensor[] = [];
  private readonly nodes: OnnxNode[] = [];
  private readonly known = new Map<string, string>();
  private readonly quantizedMatrices = new Map<object, readonly [string, string, QuantizedMatrix]>();
  /** Inner values that became graph outputs. */
  private readonly renamed = new Map<string, string>();
  private readonly produced = new Set<string>();
  /** Inputs and axes that open sizes are read from, by the name of the size. */
  private readonly axes = new Map<string, { readonly input: string; readonly axis: number }>();

  constructor(options: BuilderOptions) {
    this.name = options.name;
    this.taken = new Set(options.reserved);
    this.portable = options.portable ?? false;
    this.webgpu = options.webgpu ?? false;
    this.weights = options.weights ?? 'float32';
    this.evenRows = options.evenRows ?? false;
    this.dynamic = options.dynamic ?? new DynamicSizes();
  }

  /** Adds a graph input. */
  input(name: string, type: ElementType, shape: Shape): string {
    shape.forEach((size, axis) => {
      const symbol = this.dynamic.dimension(size);
      if (typeof symbol === 'string' && !this.axes.has(symbol)) this.axes.set(symbol, { input: name, axis });
    });
    this.inputs.push({ name, type, shape: this.dimensions(shape) });
    return name;
  }

  /** Adds a constant. Callers add each constant once. */
  initializer(value: HostTensor, hint = 'constant'): string {
    const name = this.freshName(hint);
    this.initializers.push({ name, type: value.dtype, shape: value.shape, data: value.data });
    return name;
  }

  /** Adds a float32 constant in float16. @see toHalf */
  half({ shape, data }: HostTensor, hint = 'constant'): string {
    const name = this.freshName(`${hint}.float16`);
    this.initializers.push({ name, type: 'float16', shape, data: toHalf(data as Float32Array) });
    return name;
  }

  /** Adds a constant matrix in the format of weights. @returns Names of its codes and scales, and their format. */
  quantized(matrix: HostTensor, hint = 'weight'): readonly [codes: string, scales: string, format: QuantizedMatrix] {
    const known = this.quantizedMatrices.get(matrix.data);
    if (known) return known;
    const format = quantizeMatrix(matrix, this.weights === 'int4' ? 'int4' : 'int8');
    const { rows, columns, blockSize, codes: data, scales } = format;
    const blocks = Math.ceil(columns / blockSize);
    const codes = this.freshName(`${hint}.codes`);
    this.initializers.push({ name: codes, type: 'uint8', shape: [rows, blocks, data.length / (rows * blocks)], data });
    const scale = { dtype: 'float32', shape: [scales.length], data: scales } as const;
    const added = [codes, this.initializer(scale, `${hint}.scales`), format] as const;
    this.quantizedMatrices.set(matrix.data, added);
    return added;
  }

  /**
   * Adds int64 numbers, the form of shapes, axes and positions. They are constants, except for open sizes, which the graph
   * reads from the shapes of inputs.
   * @param shape Default: a vector.
   * @throws DparError for an open size that does not follow from the inputs.
   */
  int64(values: readonly number[], shape: Shape = [values.length]): string {
    if (values.some((value) => this.dynamic.isOpen(value))) {
      const parts = values.map((value) => (this.dynamic.isOpen(value) ? this.openSize(value) : this.int64([value])));
      const vector = parts.length === 1 ? (parts[0] as string) : this.apply('Concat', parts, { axis: { int: 0 } });
      return shape.length === 1 ? vector : this.apply('Reshape', [vector, this.int64(shape)]);
    }
    return this.once(`int64 [${shape}] ${values}`, () => {
      const name = this.freshName('int64');
      this.initializers.push({ name, type: 'int64', shape, data: BigInt64Array.from(values, BigInt) });
      return name;
    });
  }

  /** Adds an open size, int64 [1]. */
  private openSize(size: number): string {
    const { factor, names, added } = this.dynamic.termsOf(size) ?? { factor: 1, names: [], added: 0 };
    const sizes = names.map((name) => {
      const place = this.axes.get(name);
      return place && this.apply('Shape', [place.input], { start: { int: place.axis }, end: { int: place.axis + 1 } });
    });
    if (sizes.length === 0 || sizes.includes(undefined)) {
      throw new DparError(
        `compile: expected sizes that depend only on sizes of inputs, got ${this.dimensions([size])}. ` +
          'Pass tensors that depend on it as inputs.',
      );
    }
    const product = (sizes as string[]).reduce((a, b) => this.apply('Mul', [a, b]));
    const scaled = factor === 1 ? product : this.apply('Mul', [product, this.int64([factor])]);
    return added === 0 ? scaled : this.apply('Add', [scaled, this.int64([added])]);
  }

  /** Adds start, start + 1, ..., start + size - 1 as int32 [size]. */
  range(size: number, start = 0): string {
    // WebGPU has a kernel for int32 only.
    if (this.webgpu) {
      const place = (at: number): string =>
        this.dynamic.isOpen(at) ? this.apply('Cast', [this.int64([at], [])], { to: { int: 6 } }) : this.int(at);
      return this.apply('Range', [place(start), place(start + size), this.int(1)]);
    }
    const end = this.int64([start + size], []);
    const positions = this.apply('Range', [this.int64([start], []), end, this.int64([1], [])]);
    return this.apply('Cast', [positions], { to: { int: 6 } });
  }

  /** Adds a scalar. */
  float(value: number, type: 'float32' | 'float16' = 'float32'): string {
    return this.once(`${type} ${Object.is(value, -0) ? '-0' : value}`, () => {
      const scalar = { dtype: 'float32', shape: [], data: Float32Array.of(value) } as const;
      return type === 'float16' ? this.half(scalar, 'float') : this.initializer(scalar, 'float');
    });
  }

  /** Adds a float32 vector. */
  floats(values: readonly number[]): string {
    return this.once(`floats ${values}`, () =>
      this.initializer({ dtype: 'float32', shape: [values.length], data: Float32Array.from(values) }, 'floats'),
    );
  }

  /** Adds an int32 scalar. */
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

  /**
   * Reshapes x.
   * @param from Shape of x. Open sizes at the same axis of both shapes are copied, not computed.
   */
  reshape(x: string, shape: Shape, from: Shape = []): string {
    const open = shape.filter((size) => this.dynamic.isOpen(size)).length;
    // Zero means 'as in the input' unless allowzero is set.
    if (open === 0) {
      return this.apply('Reshape', [x, this.int64(shape)], sizeOf(shape) === 0 ? { allowzero: { int: 1 } } : {});
    }
    const sizes = shape.map((size, axis) => {
      if (!this.dynamic.isOpen(size)) return size;
      return open > 1 && from[axis] === size ? 0 : -1;
    });
    if (sizes.filter((size) => size === -1).length > 1) {
      return this.apply('Reshape', [x, this.int64(shape)]);
    }
    return this.apply('Reshape', [x, this.int64(sizes)]);
  }

  /** Shape with names in place of open sizes. */
  private dimensions(shape: Shape): (number | string)[] {
    return shape.map((size) => this.dynamic.dimension(size));
  }

  /** Makes a value a graph output. */
  output(value: string, name: string, type: ElementType, shape: Shape): void {
    this.outputs.push({ name, type, shape: this.dimensions(shape) });
    if (this.produced.has(value) && !this.renamed.has(value)) this.renamed.set(value, name);
    // Inputs, constants, and values that are an output already.
    else this.nodes.push({ name, opType: 'Identity', domain: '', inputs: [value], outputs: [name], attributes: {} });
  }

  /** Returns the graph, without nodes that no output depends on. */
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
      opsets: nodes.some((node) => node.domain === microsoft) ? { '': opset, [microsoft]: 1 } : { '': opset },
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
