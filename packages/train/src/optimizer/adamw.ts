import type { KindsOf } from '@dpar/check';
import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { sumOfSquares, type UpdateArrays, type UpdateNumbers, updateParameter } from './kernels.js';
import { halfToMove, type OptimizerThread, optimizerThreadKinds } from './move-arrays.js';
import { averageRate, float32Data, matchingData } from './named-tensors.js';

/** Settings of {@link AdamW}. Defaults are the paper's. The learning rate is given at each step. */
export interface AdamWOptions {
  /** Decay rates of the two moments (default 0.9 and 0.95). */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment (default 1e-8). */
  readonly epsilon?: number;
  /** Decoupled decay of tensors of 2 or more dimensions (default 0.05); others are not decayed. */
  readonly weightDecay?: number;
}

/** Kinds of {@link AdamWOptions}. */
export const adamWOptionsKinds: KindsOf<AdamWOptions> = {
  'betas?': 'number[]',
  'epsilon?': 'number',
  'weightDecay?': 'number',
};

/** Moments of one parameter, each as long as the parameter. */
export interface Moments {
  /** Moving mean of the gradients. */
  readonly first: Float32Array;
  /** Moving mean of the squared gradients. */
  readonly second: Float32Array;
}

/** Numbers of one update. */
export interface AdamWSettings {
  readonly learningRate: number;
  /**
   * Factor on all gradients, such as that of clipping: see `clipFactor` (default 1). A function gives that of a parameter by its
   * name.
   */
  readonly gradientScale?: number | ((parameter: string) => number);
}

/**
 * Exponential moving average of the parameters, which an update moves as `updateAverage` does after it. This costs less
 * while the parameters are in the cache.
 */
export interface AdamWAverage {
  readonly tensors: Tensors<HostTensor>;
  readonly decay: number;
}

const adamWAverageKinds: KindsOf<AdamWAverage> = { tensors: 'object', decay: 'number', '*': 'any' };

/** One update. */
export interface AdamWUpdate extends AdamWSettings {
  readonly average?: AdamWAverage | undefined;
}

const adamWUpdateKinds: KindsOf<AdamWUpdate> = {
  'average?': adamWAverageKinds,
  learningRate: 'number',
  'gradientScale?': 'number | function',
  '*': 'any',
};

/** Options of {@link AdamW.begin}. */
export interface AdamWHelp {
  readonly average?: AdamWAverage | undefined;
  /** Does about half of the work. */
  readonly thread?: OptimizerThread | undefined;
}

const adamWHelpKinds: KindsOf<AdamWHelp> = {
  'average?': adamWAverageKinds,
  'thread?': optimizerThreadKinds,
  '*': 'any',
};

/** An update that has begun: see {@link AdamW.begin}. Call either `apply` or `cancel`, once. */
export interface PendingUpdate {
  /** Euclidean norm of all gradients. */
  readonly gradientNorm: number;
  /** Euclidean norm of the gradients of some parameters, by their names. */
  normOf(isCounted: (parameter: string) => boolean): number;
  /** Updates all parameters. */
  apply(settings: AdamWSettings): Promise<void>;
  /** Leaves all parameters as they were. */
  cancel(): Promise<void>;
}

/** A parameter with its moments. */
interface Slot {
  readonly name: string;
  readonly parameter: HostTensor;
  readonly decayed: boolean;
  first: Float32Array;
  second: Float32Array;
}

/** A parameter with everything that its update reads and writes. */
interface Part {
  readonly slot: Slot;
  readonly gradient: HostTensor;
  readonly average: HostTensor | undefined;
}

/**
 * AdamW (Loshchilov and Hutter, 2019) with bias correction, as in `torch.optim.AdamW`. Parameters are updated in place, on
 * the host. One pass reads and writes gradient, moments, parameter and average.
 * Every operation rounds to float32. Values that are computed once per update have double precision. Results have the same
 * bits on every machine.
 */
export class AdamW {
  private readonly slots: readonly Slot[];
  private readonly betas: readonly [number, number];
  private readonly epsilon: number;
  private readonly weightDecay: number;
  private updates = 0;

  /**
   * @param parameters float32 tensors, which the optimizer changes. Moments start at zero.
   * @throws DparError for a parameter that is not float32, or settings out of range.
   */
  constructor(parameters: Tensors<HostTensor>, options: AdamWOptions = {}) {
    checkArguments('AdamW', { parameters, options }, { parameters: 'object', 'options?': adamWOptionsKinds });

    const { betas = [0.9, 0.95], epsilon = 1e-8, weightDecay = 0.05 } = options;
    if (!betas.every((beta) => beta >= 0 && beta < 1) || !(epsilon >= 0) || !(weightDecay >= 0)) {
      throw new DparError(
        `AdamW: expected betas in [0, 1), epsilon >= 0 and weightDecay >= 0, got ${JSON.stringify({ betas, epsilon, weightDecay })}.`,
      );
    }
    this.betas = betas;
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
    this.slots = Object.entries(parameters).map(([name, parameter]) => {
      const { length } = float32Data('AdamW', name, parameter);
      const decayed = parameter.shape.length >= 2;
      return { name, parameter, decayed, first: new Float32Array(length), second: new Float32Array(length) };
    });
  }

  /** Number of finished updates. */
  get step(): number {
    return this.updates;
  }

  /** Moments by parameter name: shared, not copied, until the next update. */
  get moments(): Record<string, Moments> {
    return Object.fromEntries(this.slots.map(({ name, first, second }) => [name, { first, second }]));
  }

  /**
   * Restores the state of an earlier run.
   * @throws DparError if a parameter's moments are missing or of another size.
   */
  restore(step: number, moments: Readonly<Record<string, Moments>>): void {
    checkArguments('AdamW.restore', { step, moments }, { step: 'number', moments: 'object' });

    for (const { name, parameter } of this.slots) {
      const given = moments[name];
      const { length } = parameter.data;
      if (given?.first.length !== length || given.second.length !== length) {
        throw new DparError(
          `AdamW.restore: expected two moments of ${length} elements for '${name}', ` +
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
   * Updates all parameters once.
   * @param gradients By parameter name, each of its parameter's size.
   * @throws DparError if a gradient or average is missing, not float32 or of another size, or without WebAssembly SIMD;
   *   the parameters are then unchanged.
   */
  update(gradients: Tensors<HostTensor>, options: AdamWUpdate): void {
    checkArguments('AdamW.update', { gradients, options }, { gradients: 'object', options: adamWUpdateKinds });
    const { average, ...settings } = options;
    const numbers = this.numbersOf(settings, average);
    for (const part of this.partsOf(gradients, average)) updateParameter(arraysOf(part), numbers(part.slot));
    this.updates++;
  }

  /**
   * Begins an update whose settings depend on the norm of the gradients: computes the norm. Results have the bits of
   * `update`. With another thread, about half of the arrays move there. Do not use parameters, gradients and averages until
   * the update is applied or cancelled; their tensors may then hold other typed arrays.
   * @throws DparError as `update`, and if the thread ends, which loses the arrays that it had.
   */
  async begin(gradients: Tensors<HostTensor>, options: AdamWHelp = {}): Promise<PendingUpdate> {
    checkArguments('AdamW.begin', { gradients, options }, { gradients: 'object', 'options?': adamWHelpKinds });
    const { average, thread } = options;
    if (average !== undefined) averageRate('AdamW.begin', average.decay);
    const parts = this.partsOf(gradients, average);
    const moved = thread === undefined ? [] : halfToMove(parts.map(arraysOf)).map((index) => parts[index] as Part);
    const kept = parts.filter((part) => !moved.includes(part));

    const movedSquares = thread?.take(moved.map(arraysOf));
    const squares = new Map(kept.map((part) => [part, sumOfSquares(arraysOf(part).gradient)]));
    for (const [i, sum] of ((await movedSquares) ?? []).entries()) squares.set(moved[i] as Part, sum);
    // In the order of the parameters, so that the sum does not depend on the thread.
    const normOf = (isCounted: (parameter: string) => boolean): number =>
      Math.sqrt(
        parts.reduce((sum, part) => (isCounted(part.slot.name) ? sum + (squares.get(part) as number) : sum), 0),
      );
    const gradientNorm = normOf(() => true);

    const finish = async (numbers: ((slot: Slot) => UpdateNumbers) | undefined): Promise<void> => {
      const returned = thread?.giveBack(numbers && moved.map(({ slot }) => numbers(slot)));
      if (numbers !== undefined) for (const part of kept) updateParameter(arraysOf(part), numbers(part.slot));
      for (const [i, arrays] of ((await returned) ?? []).entries()) putBack(arrays, moved[i] as Part);
    };
    return {
      gradientNorm,
      normOf,
      apply: async (settings) => {
        await finish(this.numbersOf(settings, average));
        this.updates++;
      },
      cancel: () => finish(undefined),
    };
  }

  private partsOf(gradients: Tensors<HostTensor>, average: AdamWAverage | undefined): readonly Part[] {
    return this.slots.map((slot) => {
      const { name, parameter } = slot;
      const { length } = parameter.data;
      matchingData('AdamW.update', 'a gradient', gradients, name, length);
      if (average !== undefined) matchingData('AdamW.update', 'an average', average.tensors, name, length);
      return { slot, gradient: gradients[name] as HostTensor, average: average?.tensors[name] };
    });
  }

  /** Numbers of the next update, by parameter. */
  private numbersOf(
    { learningRate, gradientScale = 1 }: AdamWSettings,
    average: AdamWAverage | undefined,
  ): (slot: Slot) => UpdateNumbers {
    const scaleOf = typeof gradientScale === 'number' ? () => gradientScale : gradientScale;
    const shared = this.sharedNumbers(learningRate, average?.decay);
    const keep = this.keepOf(learningRate);
    return ({ name, decayed }) => ({ ...shared, gradientScale: scaleOf(name), keep: decayed ? keep : 1 });
  }

  /**
   * Numbers of the next update that all parameters share.
   * @param decay Of a moving average, if there is one.
   * @throws DparError if the decay is outside [0, 1].
   */
  sharedNumbers(learningRate: number, decay?: number): Omit<UpdateNumbers, 'gradientScale' | 'keep'> {
    checkArguments(
      'AdamW.sharedNumbers',
      { learningRate, decay },
      { learningRate: 'number', 'decay?': 'number | NaN' },
    );
    const [beta1, beta2] = this.betas;
    const updates = this.updates + 1;
    // lr * (m / c1) / (sqrt(v / c2) + epsilon), without a division of each element by the bias corrections c1 and c2.
    const root = Math.sqrt(1 - beta2 ** updates);
    return {
      rate1: 1 - beta1,
      beta2,
      rate2: 1 - beta2,
      stepSize: (learningRate * root) / (1 - beta1 ** updates),
      epsilon: this.epsilon * root,
      averageRate: decay === undefined ? 0 : averageRate('AdamW.update', decay),
    };
  }

  /** Factor on a parameter that decays. */
  keepOf(learningRate: number): number {
    checkArguments('AdamW.keepOf', { learningRate }, { learningRate: 'number' });
    return 1 - learningRate * this.weightDecay;
  }

  /** True if a parameter decays, which those of two or more dimensions do. */
  decays(parameter: string): boolean {
    checkArguments('AdamW.decays', { parameter }, { parameter: 'string' });
    return this.slots.some(({ name, decayed }) => decayed && name === parameter);
  }

  /** Counts an update that was made elsewhere. */
  countUpdate(): void {
    this.updates++;
  }
}

function arraysOf({ slot: { parameter, first, second }, gradient, average }: Part): UpdateArrays {
  const data = (tensor: HostTensor) => tensor.data as Float32Array;
  return { parameter: data(parameter), gradient: data(gradient), first, second, average: average && data(average) };
}

/** Replaces the arrays of a part, whose memory had moved, by those that came back. */
function putBack({ parameter, gradient, first, second, average }: UpdateArrays, part: Part): void {
  const replace = (tensor: HostTensor, data: Float32Array): void => {
    (tensor as { data: Float32Array }).data = data;
  };
  replace(part.slot.parameter, parameter);
  replace(part.gradient, gradient);
  if (part.average && average) replace(part.average, average);
  Object.assign(part.slot, { first, second });
}
