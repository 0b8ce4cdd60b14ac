import {
  type CompiledFunction,
  type DeviceTensor,
  type Engine,
  float32,
  type HostTensor,
  named,
  type Ops,
  type Tensors,
} from '@dpar/tensor';
import type { AdamW, AdamWAverage } from './adamw.js';

/** Settings of {@link DeviceAdamW}. */
export interface DeviceAdamWOptions {
  /** The parameters by name, also those that are not updated. */
  readonly parameters: Tensors<HostTensor>;
  /** Optimizer of the host, which names the updated parameters and keeps moments, settings and steps. */
  readonly optimizer: AdamW;
  readonly average?: AdamWAverage | undefined;
  /** Largest norm of the gradients of a group; larger ones are clipped to it. */
  readonly maxGradientNorm: number;
  /** Group of a parameter, by its name. Each group is clipped on its own. */
  readonly groupOf: (parameter: string) => string;
}

/** Result of {@link DeviceAdamW.update}. */
export interface DeviceUpdate {
  /** Euclidean norm of the gradients of each group. One that is not finite left all tensors as they were. */
  readonly norms: Readonly<Record<string, number>>;
}

const prefixes = { parameter: 'parameter.', first: 'first.', second: 'second.', average: 'average.' } as const;
const gradient = 'gradient.';
const normOf = 'norm.';

/**
 * AdamW with clipping and a moving average in the memory of an engine, from the moments and settings of an optimizer of the
 * host. Each element has the value that `AdamW` gives it, up to rounding in the engine; norms are summed in float32.
 */
export class DeviceAdamW {
  private readonly trained: readonly string[];
  private readonly groups: readonly string[];
  /** Tensors on the device, once they are there, by name with prefix. */
  private tensors: Readonly<Record<string, DeviceTensor>> | undefined;
  private readonly move: CompiledFunction;
  private readonly compiled: CompiledFunction;
  /** Step whose tensors the host has. */
  private stepOfHost: number;

  constructor(
    engine: Engine,
    private readonly options: DeviceAdamWOptions,
  ) {
    const { optimizer, groupOf } = options;
    this.trained = Object.keys(optimizer.moments);
    this.groups = [...new Set(this.trained.map(groupOf))];
    this.stepOfHost = optimizer.step;
    this.move = engine.compile(function copyTensors(_, inputs) {
      return inputs;
    });
    this.compiled = engine.compile((ops, inputs) => this.updated(ops, inputs));
  }

  /** The parameters on the device, for the next pass. They are disposed by the next update. */
  async parameters(): Promise<Tensors<DeviceTensor>> {
    const parameters: Record<string, DeviceTensor> = {};
    for (const [name, tensor] of Object.entries(await this.uploaded())) {
      if (name.startsWith(prefixes.parameter)) parameters[name.slice(prefixes.parameter.length)] = tensor;
    }
    return parameters;
  }

  /** Updates everything by the gradients of the updated parameters, and counts the step. */
  async update(gradients: Tensors<DeviceTensor>, learningRate: number): Promise<DeviceUpdate> {
    const { optimizer, average } = this.options;
    const tensors = await this.uploaded();
    const inputs: Record<string, HostTensor | DeviceTensor> = {};
    for (const name of this.trained) {
      inputs[gradient + name] = named(gradients, name);
      for (const prefix of this.prefixes) inputs[prefix + name] = named(tensors, prefix + name);
    }
    const { stepSize, epsilon } = optimizer.sharedNumbers(learningRate, average?.decay);
    inputs.numbers = float32([3], [stepSize, epsilon, optimizer.keepOf(learningRate)]);
    const toHost = this.groups.map((group) => normOf + group);
    const outputs = await this.compiled.runOnDevice(inputs, { toHost });
    const norms: Record<string, number> = {};
    for (const group of this.groups) {
      const norm = named(outputs, normOf + group);
      norms[group] = (await norm.read()).data[0] as number;
      norm.dispose();
    }
    const next: Record<string, DeviceTensor> = { ...tensors };
    const isValid = Object.values(norms).every(Number.isFinite);
    for (const [name, tensor] of Object.entries(outputs)) {
      if (toHost.includes(name)) continue;
      (isValid ? next[name] : tensor)?.dispose();
      if (isValid) next[name] = tensor;
    }
    this.tensors = next;
    if (isValid) optimizer.countUpdate();
    return { norms };
  }

  /** Copies parameters, moments and average of this step into the tensors of the host. */
  async download(): Promise<void> {
    const { optimizer } = this.options;
    if (this.tensors === undefined || this.stepOfHost === optimizer.step) return;
    const into: Record<string, HostTensor> = {};
    const changed: Record<string, DeviceTensor> = {};
    const host = this.hostTensors();
    for (const name of this.trained) {
      for (const prefix of this.prefixes) {
        into[prefix + name] = named(host, prefix + name);
        changed[prefix + name] = named(this.tensors, prefix + name);
      }
    }
    await this.move.run(changed, { into });
    this.stepOfHost = optimizer.step;
  }

  /** Forgets the tensors on the device. The next step begins with those of the host. */
  reset(): void {
    for (const tensor of Object.values(this.tensors ?? {})) tensor.dispose();
    this.tensors = undefined;
    this.stepOfHost = this.options.optimizer.step;
  }

  async dispose(): Promise<void> {
    this.reset();
    await this.move.dispose();
    await this.compiled.dispose();
  }

  /** The tensors on the device, which are those of the host at first. */
  private async uploaded(): Promise<Readonly<Record<string, DeviceTensor>>> {
    this.tensors ??= await this.move.runOnDevice(this.hostTensors());
    return this.tensors;
  }

  /** Prefixes of the tensors of an updated parameter. */
  private get prefixes(): readonly string[] {
    const { average, ...others } = prefixes;
    return Object.values(this.options.average === undefined ? others : prefixes);
  }

  /** Tensors of the host by the names of those on the device. */
  private hostTensors(): Record<string, HostTensor> {
    const { parameters, optimizer, average } = this.options;
    const tensors: Record<string, HostTensor> = {};
    for (const [name, tensor] of Object.entries(parameters)) tensors[prefixes.parameter + name] = tensor;
    for (const [name, { first, second }] of Object.entries(optimizer.moments)) {
      const { shape } = named(parameters, name);
      tensors[prefixes.first + name] = float32(shape, first);
      tensors[prefixes.second + name] = float32(shape, second);
      if (average !== undefined) tensors[prefixes.average + name] = named(average.tensors, name);
    }
    return tensors;
  }

  /** The update as a function: norms of the groups, and all tensors of the updated parameters. */
  private updated<T>(ops: Ops<T>, inputs: Tensors<T>): Record<string, T> {
    const { optimizer, average, maxGradientNorm, groupOf } = this.options;
    const { rate1, beta2, rate2, averageRate } = optimizer.sharedNumbers(0, average?.decay);
    const numbers = named(inputs, 'numbers');
    const number = (at: number): T => ops.reshape(ops.slice(numbers, 0, at, 1), []);
    const [stepSize, epsilon, keep] = [number(0), number(1), number(2)];
    const outputs: Record<string, T> = {};
    const scales: Record<string, T> = {};
    for (const group of this.groups) {
      const squares = this.trained.flatMap((name) => {
        const each = named(inputs, gradient + name);
        return groupOf(name) === group ? [ops.sum(ops.mul(each, each))] : [];
      });
      const norm = ops.sqrt(squares.reduce((sum, each) => ops.add(sum, each)));
      outputs[normOf + group] = norm;
      scales[group] = ops.minimum(ops.constant(float32([], [1])), ops.div(maxGradientNorm, ops.add(norm, 1e-6)));
    }
    for (const name of this.trained) {
      const of = (prefix: string): T => named(inputs, prefix + name);
      const g = ops.mul(of(gradient), named(scales, groupOf(name)));
      const m = moved(ops, of(prefixes.first), g, rate1);
      const v = ops.add(ops.mul(of(prefixes.second), beta2), ops.mul(ops.mul(g, rate2), g));
      const before = of(prefixes.parameter);
      const kept = optimizer.decays(name) ? ops.mul(before, keep) : before;
      const after = ops.sub(kept, ops.div(ops.mul(m, stepSize), ops.add(ops.sqrt(v), epsilon)));
      outputs[prefixes.first + name] = m;
      outputs[prefixes.second + name] = v;
      outputs[prefixes.parameter + name] = after;
      if (average !== undefined)
        outputs[prefixes.average + name] = moved(ops, of(prefixes.average), after, averageRate);
    }
    return outputs;
  }
}

/** from + rate (to - from), from the nearer end, as in PyTorch's `lerp` and in the kernels of the host. */
function moved<T>(ops: Ops<T>, from: T, to: T, rate: number): T {
  const way = ops.sub(to, from);
  if (Math.fround(rate) < 0.5) return ops.add(from, ops.mul(way, rate));
  return ops.sub(to, ops.mul(way, Math.fround(1 - Math.fround(rate))));
}
