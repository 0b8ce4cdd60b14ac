import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { averageRate } from './ema.js';
import { float32Data, matchingData } from './float32-data.js';
import { updateParameter } from './kernels/optimizer.js';

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
  /**
   * An exponential moving average of the parameters, which the update moves on too, as `updateAverage` would do after it:
   * it costs less while the parameters are in the cache.
   */
  readonly average?: { readonly tensors: Tensors<HostTensor>; readonly decay: number } | undefined;
}

interface Slot extends Moments {
  readonly name: string;
  readonly parameter: Float32Array;
  readonly decayed: boolean;
}

/**
 * AdamW (Loshchilov and Hutter, 2019) with bias correction, as `torch.optim.AdamW` computes it. Parameters are updated
 * in place, on the host. Gradient, moments, parameter and average are read and written in one pass. Every operation
 * rounds to float32, but what is computed once an update is double precision; results are the same to the bit everywhere.
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
   * @throws DparError if a gradient or average is missing, not float32 or of another size, or where WebAssembly with
   *   SIMD is missing; nothing has changed then.
   */
  update(gradients: Tensors<HostTensor>, { learningRate, gradientScale = 1, average }: AdamWUpdate): void {
    const rate = average && averageRate('AdamW.update', average.decay);
    const work = this.slots.map((slot) => {
      const { name, parameter } = slot;
      const gradient = matchingData('AdamW.update', 'a gradient', gradients, name, parameter.length);
      if (average === undefined || rate === undefined) return { slot, gradient };
      const data = matchingData('AdamW.update', 'an average', average.tensors, name, parameter.length);
      return { slot, gradient, following: { average: data, rate } };
    });
    const [beta1, beta2] = this.betas;
    const updates = this.updates + 1;
    // lr (m / c1) / (sqrt(v / c2) + epsilon) without dividing each element by the corrections c1 and c2 of the bias.
    const root = Math.sqrt(1 - beta2 ** updates);
    const shared = {
      gradientScale,
      rate1: 1 - beta1,
      beta2,
      rate2: 1 - beta2,
      stepSize: (learningRate * root) / (1 - beta1 ** updates),
      epsilon: this.epsilon * root,
    };
    for (const { slot, gradient, following } of work) {
      const { parameter, first, second, decayed } = slot;
      const keep = decayed ? 1 - learningRate * this.weightDecay : 1;
      updateParameter({ parameter, gradient, first, second }, { ...shared, keep }, following);
    }
    this.updates = updates;
  }
}
