import { DparError, type HostTensor, type HostTensorOf, type Tensors } from '@dpar/tensor';

/** Settings of {@link AdamW}. Defaults are the paper's; the learning rate is given at each step. */
export interface AdamWOptions {
  /** Decay rates of the two moments (default 0.9 and 0.95). */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment (default 1e-8). */
  readonly epsilon?: number;
  /** Decoupled decay of tensors of 2 or more dimensions (default 0.05); others are not decayed. */
  readonly weightDecay?: number;
}

/** What AdamW remembers of one parameter: running means of its gradient and of the gradient's square. */
export interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** The settings of one update. */
export interface AdamWUpdate {
  readonly learningRate: number;
  /** Factor on all gradients, such as that of clipping: see `clipFactor` (default 1). */
  readonly gradientScale?: number;
}

interface Slot extends Moments {
  readonly name: string;
  readonly parameter: Float32Array;
  readonly decayed: boolean;
}

/**
 * AdamW (Loshchilov and Hutter, 2019) with bias correction, as `torch.optim.AdamW` computes it. Parameters are updated
 * in place, on the host. Gradient, moments and parameter are read and written in one pass, intermediate values are double
 * precision and what is stored is float32.
 */
export class AdamW {
  private readonly slots: readonly Slot[];
  private readonly betas: readonly [number, number];
  private readonly epsilon: number;
  private readonly weightDecay: number;
  private updates = 0;

  /**
   * @param parameters float32 tensors, which the optimizer will change; moments start at zero.
   * @throws DparError for a parameter that is not float32, or settings out of range.
   */
  constructor(parameters: Tensors<HostTensor>, options: AdamWOptions = {}) {
    const { betas = [0.9, 0.95], epsilon = 1e-8, weightDecay = 0.05 } = options;
    if (!betas.every((beta) => beta >= 0 && beta < 1) || !(epsilon >= 0) || !(weightDecay >= 0)) {
      throw new DparError(
        `AdamW: expected betas in [0, 1), epsilon >= 0 and weightDecay >= 0, got ${JSON.stringify({ betas, epsilon, weightDecay })}.`,
      );
    }
    this.betas = betas;
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
    this.slots = Object.entries(parameters).map(([name, tensor]) => {
      const parameter = float32Data('AdamW', name, tensor);
      const first = new Float32Array(parameter.length);
      const second = new Float32Array(parameter.length);
      return { name, parameter, decayed: tensor.shape.length >= 2, first, second };
    });
  }

  /** Number of updates so far. */
  get step(): number {
    return this.updates;
  }

  /** The moments by parameter name: shared, not copied. */
  get moments(): Record<string, Moments> {
    return Object.fromEntries(this.slots.map(({ name, first, second }) => [name, { first, second }]));
  }

  /**
   * Puts back the state of an earlier run.
   * @throws DparError if a parameter's moments are missing or of another size.
   */
  restore(step: number, moments: Readonly<Record<string, Moments>>): void {
    for (const { name, parameter } of this.slots) {
      const given = moments[name];
      if (given?.first.length !== parameter.length || given.second.length !== parameter.length) {
        throw new DparError(
          `AdamW.restore: expected two moments of ${parameter.length} elements for '${name}', ` +
            `got ${given ? `${given.first.length} and ${given.second.length}` : 'none'}. Use the optimizer state of this model.`,
        );
      }
    }
    for (const { name, first, second } of this.slots) {
      first.set(moments[name]?.first ?? []);
      second.set(moments[name]?.second ?? []);
    }
    this.updates = step;
  }

  /**
   * One update of all parameters.
   * @param gradients By parameter name, each of its parameter's size.
   * @throws DparError if a gradient is missing or of another size; nothing has changed then.
   */
  update(gradients: Tensors<HostTensor>, { learningRate, gradientScale = 1 }: AdamWUpdate): void {
    const data = this.slots.map(({ name, parameter }) => {
      const gradient = float32Data('AdamW.update', name, gradients[name]);
      if (gradient.length !== parameter.length) {
        throw new DparError(
          `AdamW.update: expected a gradient of ${parameter.length} elements for '${name}', got ${gradient.length}.`,
        );
      }
      return gradient;
    });
    this.updates++;
    const [beta1, beta2] = this.betas;
    const stepSize = learningRate / (1 - beta1 ** this.updates);
    const rootScale = 1 / Math.sqrt(1 - beta2 ** this.updates);
    this.slots.forEach(({ parameter, decayed, first, second }, i) => {
      const keep = decayed ? 1 - learningRate * this.weightDecay : 1;
      const gradient = data[i] as Float32Array;
      updateOne(
        parameter,
        gradient,
        first,
        second,
        gradientScale,
        beta1,
        beta2,
        keep,
        stepSize,
        rootScale,
        this.epsilon,
      );
    });
  }
}

/** The update of one parameter: a function of its own with plain arguments, which the compiler turns into a tight loop. */
function updateOne(
  parameter: Float32Array,
  gradient: Float32Array,
  first: Float32Array,
  second: Float32Array,
  gradientScale: number,
  beta1: number,
  beta2: number,
  keep: number,
  stepSize: number,
  rootScale: number,
  epsilon: number,
): void {
  const rate1 = 1 - beta1;
  const rate2 = 1 - beta2;
  for (let i = 0; i < parameter.length; i++) {
    const g = (gradient[i] as number) * gradientScale;
    const before = first[i] as number;
    const m = before + rate1 * (g - before);
    const v = beta2 * (second[i] as number) + rate2 * g * g;
    first[i] = m;
    second[i] = v;
    parameter[i] = (parameter[i] as number) * keep - (stepSize * m) / (Math.sqrt(v) * rootScale + epsilon);
  }
}

function float32Data(caller: string, name: string, tensor: HostTensor | undefined): Float32Array {
  if (tensor?.dtype === 'float32') return (tensor as HostTensorOf<'float32'>).data;
  throw new DparError(`${caller}: expected a float32 tensor for '${name}', got ${tensor?.dtype ?? 'none'}.`);
}
