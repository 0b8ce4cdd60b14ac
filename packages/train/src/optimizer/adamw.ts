import type { KindsOf } from '@dpar/check';
import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { averageRate } from './ema.js';
import { float32Data, matchingData } from './float32-data.js';
import { sumOfSquares } from './kernels.js';
import {
  applyUpdate,
  memoryOf,
  type OptimizerThread,
  optimizerThreadKinds,
  type UpdateArrays,
  type UpdateNumbers,
  viewsOf,
} from './port.js';

/** Settings of {@link AdamW}. Defaults are the paper's; the learning rate is given at each step. */
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

/** What AdamW remembers of one parameter: running means of its gradient and of the gradient's square. */
export interface Moments {
  /** Moving mean of the gradients, as long as the parameter. */
  readonly first: Float32Array;
  /** Moving mean of the squared gradients, as long as the parameter. */
  readonly second: Float32Array;
}

/** The numbers of one update. */
export interface AdamWSettings {
  readonly learningRate: number;
  /** Factor on all gradients, such as that of clipping: see `clipFactor` (default 1). */
  readonly gradientScale?: number;
}

/**
 * An exponential moving average of the parameters, which an update moves on too, as `updateAverage` would do after it: it
 * costs less while the parameters are in the cache.
 */
export interface AdamWAverage {
  readonly tensors: Tensors<HostTensor>;
  readonly decay: number;
}

const adamWAverageKinds: KindsOf<AdamWAverage> = { tensors: 'object', decay: 'number', '*': 'any' };

/** Helpers of an update. */
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

/** An update that has begun: see {@link AdamW.begin}. One of `apply` and `cancel` is called, once. */
export interface PendingUpdate {
  /** Euclidean norm of all gradients. */
  readonly gradientNorm: number;
  /** Updates all parameters. */
  apply(settings: AdamWSettings): Promise<void>;
  /** Leaves all as it was. */
  cancel(): Promise<void>;
}

/** One update. */
export interface AdamWUpdate extends AdamWSettings {
  readonly average?: AdamWAverage | undefined;
}

const adamWUpdateKinds: KindsOf<AdamWUpdate> = {
  'average?': adamWAverageKinds,
  learningRate: 'number',
  'gradientScale?': 'number',
  '*': 'any',
};

interface Slot {
  readonly name: string;
  readonly parameter: HostTensor;
  readonly decayed: boolean;
  first: Float32Array;
  second: Float32Array;
}

/** A parameter with all that its update reads and writes. */
interface Part {
  readonly slot: Slot;
  readonly gradient: HostTensor;
  readonly average: HostTensor | undefined;
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
    this.slots = Object.entries(parameters).map(([name, tensor]) => {
      const parameter = float32Data('AdamW', name, tensor);
      const first = new Float32Array(parameter.length);
      const second = new Float32Array(parameter.length);
      return { name, parameter: tensor, decayed: tensor.shape.length >= 2, first, second };
    });
  }

  /** Number of updates so far. */
  get step(): number {
    return this.updates;
  }

  /** The moments by parameter name: shared, not copied, until the next update. */
  get moments(): Record<string, Moments> {
    return Object.fromEntries(this.slots.map(({ name, first, second }) => [name, { first, second }]));
  }

  /**
   * Puts back the state of an earlier run.
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
   * One update of all parameters.
   * @param gradients By parameter name, each of its parameter's size.
   * @throws DparError if a gradient or average is missing, not float32 or of another size, or where WebAssembly with
   *   SIMD is missing; nothing has changed then.
   */
  update(gradients: Tensors<HostTensor>, options: AdamWUpdate): void {
    checkArguments('AdamW.update', { gradients, options }, { gradients: 'object', options: adamWUpdateKinds });
    const { average, ...settings } = options;
    const numbers = this.numbersOf(settings, average);
    for (const part of this.partsOf(gradients, average)) applyUpdate(arraysOf(part), numbers(part.slot));
    this.updates++;
  }

  /**
   * Begins an update whose settings depend on the norm of the gradients: computes the norm. With another thread, about half
   * of the arrays move there; parameters, gradients and averages must not be used until the update is applied or cancelled,
   * and their tensors may hold other typed arrays afterwards. Results are those of `update`, to the bit.
   * @throws DparError as `update`, and if the thread ends, which loses the arrays that it had.
   */
  async begin(gradients: Tensors<HostTensor>, options: AdamWHelp = {}): Promise<PendingUpdate> {
    checkArguments('AdamW.begin', { gradients, options }, { gradients: 'object', 'options?': adamWHelpKinds });
    const { average, thread } = options;
    if (average !== undefined) averageRate('AdamW.begin', average.decay);
    const parts = this.partsOf(gradients, average);
    const moved = thread === undefined ? [] : movedParts(parts);
    const kept = parts.filter((part) => !moved.includes(part));
    const there = thread?.take(moved.map(arraysOf));
    const squares = new Map(kept.map((part) => [part, sumOfSquares(arraysOf(part).gradient)]));
    for (const [i, sum] of ((await there) ?? []).entries()) squares.set(moved[i] as Part, sum);
    // In the order of the parameters: the sum does not depend on where each part was computed.
    const gradientNorm = Math.sqrt(parts.reduce((sum, part) => sum + (squares.get(part) as number), 0));

    const finish = async (numbers: ((slot: Slot) => UpdateNumbers) | undefined): Promise<void> => {
      const back = thread?.giveBack(numbers && moved.map(({ slot }) => numbers(slot)));
      if (numbers !== undefined) for (const part of kept) applyUpdate(arraysOf(part), numbers(part.slot));
      for (const [i, arrays] of ((await back) ?? []).entries()) put(arrays, moved[i] as Part);
    };
    return {
      gradientNorm,
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

  /** The numbers of the next update, by parameter. */
  private numbersOf(
    { learningRate, gradientScale = 1 }: AdamWSettings,
    average: AdamWAverage | undefined,
  ): (slot: Slot) => UpdateNumbers {
    const rate = average === undefined ? 0 : averageRate('AdamW.update', average.decay);
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
    return ({ decayed }) => ({
      scalars: { ...shared, keep: decayed ? 1 - learningRate * this.weightDecay : 1 },
      rate,
    });
  }
}

function arraysOf({ slot: { parameter, first, second }, gradient, average }: Part): UpdateArrays {
  const data = (tensor: HostTensor) => tensor.data as Float32Array;
  return { parameter: data(parameter), gradient: data(gradient), first, second, average: average && data(average) };
}

/** Puts arrays in the place of those that were moved away. */
function put({ parameter, gradient, first, second, average }: UpdateArrays, part: Part): void {
  const replace = (tensor: HostTensor, data: Float32Array): void => {
    (tensor as { data: Float32Array }).data = data;
  };
  replace(part.slot.parameter, parameter);
  replace(part.gradient, gradient);
  if (part.average && average) replace(part.average, average);
  Object.assign(part.slot, { first, second });
}

/** About half of the work, of parameters whose arrays fill memory of their own, so that nothing else moves with them. */
function movedParts(parts: readonly Part[]): readonly Part[] {
  const uses = new Map<ArrayBufferLike, number>();
  for (const buffer of memoryOf(parts.map(arraysOf))) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  const canMove = (part: Part): boolean =>
    viewsOf(arraysOf(part)).every(
      ({ buffer, byteLength }) =>
        buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && uses.get(buffer) === 1,
    );
  const sizeOf = ({ slot }: Part): number => slot.parameter.data.length;
  const moved: Part[] = [];
  let balance = 0; // elements here less those that move
  for (const part of [...parts].sort((a, b) => sizeOf(b) - sizeOf(a))) {
    const moves = balance > 0 && canMove(part);
    if (moves) moved.push(part);
    balance += moves ? -sizeOf(part) : sizeOf(part);
  }
  return moved;
}
