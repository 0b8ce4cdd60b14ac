import { formatValue, type KindsOf } from '@dpar/check';
import { checkArguments } from '../check-arguments.js';
import { DparError } from '../error.js';
import { categorical, categoricalOfLogits } from './categorical.js';
import { gumbelMax } from './gumbel-max.js';
import { fillKeepMask } from './keep-mask.js';
import { normalQuantile, normalShareBelow } from './normal-quantile.js';
import { philox4x32 } from './philox.js';

/** Range [low, high) of {@link Random.fillUniform}. */
export interface UniformOptions {
  /** Lower end, included (default 0). */
  readonly low?: number;
  /** Upper end, excluded (default 1). */
  readonly high?: number;
}

/** Distribution of {@link Random.fillNormal}. */
export interface NormalOptions {
  /** Mean (default 0). */
  readonly mean?: number;
  /** Standard deviation (default 1). */
  readonly std?: number;
}

/** Distribution of {@link Random.fillTruncatedNormal}. */
export interface TruncatedNormalOptions extends NormalOptions {
  /** Largest distance from the mean, in standard deviations of the normal before the cut; above 0. */
  readonly cut: number;
}

/**
 * Stream of random numbers. It is a function of (seed, stream ids, position) only, with the same bits on every platform. Its
 * unit is the word of 32 bits.
 */
export interface Random {
  /** Number of words drawn so far. Set it to resume a stream. */
  position: number;
  /** Independent stream, at its start: `createRandom(seed, a).fork(b)` is `createRandom(seed, a, b)`. */
  fork(id: number): Random;
  /** Whole number from 0 to 2^32 - 1. One word. */
  word(): number;
  /** Number in [0, 1): a multiple of 2^-24, so exact in float32. One word. */
  uniform(): number;
  /** Standard normal number, at most 6.4 from 0. One word. */
  normal(): number;
  /** Standard normal number within `cut` of 0. One word. */
  truncatedNormal(cut: number): number;
  /** Whole number from 0 to below - 1, each equally likely, for below <= 2^32. One word, rarely more. */
  integer(below: number): number;
  /** Random order of the numbers from 0 to length - 1, each equally likely (Fisher-Yates). */
  permutation(length: number): Int32Array;
  /** Index of a category by its probability or weight. One word. */
  categorical(weights: ArrayLike<number>): number;
  /** Index of a category by its logit. One word. */
  categoricalOfLogits(logits: ArrayLike<number>): number;
  /**
   * Index of a category by its probability or weight, with one word for each category (the Gumbel-max trick). Rounding of
   * the weights changes the result only in near ties. Needs WebAssembly with SIMD.
   * @param weights Finite weights. They need not sum to 1, and those not above 0 are never drawn.
   */
  gumbelMax(weights: Float32Array): number;
  /** Fills `data`, one word for each element, and returns it. Rounding to float32 may reach `high`. */
  fillUniform(data: Float32Array, options?: UniformOptions): Float32Array;
  /** Fills `data`, one word for each element, and returns it. */
  fillNormal(data: Float32Array, options?: NormalOptions): Float32Array;
  /** Fills `data`, one word for each element, and returns it. */
  fillTruncatedNormal(data: Float32Array, options: TruncatedNormalOptions): Float32Array;
  /**
   * Fills a mask for dropout and returns it: 1 with probability `keep`, rounded to a multiple of 2^-16, else 0. One word for
   * two elements; an odd last one takes a whole word. Needs WebAssembly with SIMD.
   */
  fillKeepMask(mask: Uint8Array, keep: number): Uint8Array;
}

type Key = readonly [number, number];

const twoTo32 = 2 ** 32;

/** Last word of the counters that derive keys. Counters of streams end in 0. */
const derivesKey = 1;

function lowAndHigh(value: number): [number, number] {
  return [value % twoTo32, Math.floor(value / twoTo32)];
}

function demandWhole(where: string, value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new DparError(
      `${where}: expected ${what} to be a whole number from 0 to 2^53 - 1, got ${formatValue(value)}. Pass such a number.`,
    );
  }
}

function keyOfSeed(seed: number | bigint): Key {
  if (typeof seed !== 'bigint') demandWhole('createRandom', seed, 'the seed');
  const value = BigInt(seed);
  if (value !== BigInt.asUintN(64, value)) {
    throw new DparError(`createRandom: expected a seed from 0 to 2^64 - 1, got ${seed}. Pass such a number.`);
  }
  return [Number(value & 0xffffffffn), Number(value >> 32n)];
}

/** Key of the stream `id` below a key. */
function derivedKey(key: Key, id: number): Key {
  demandWhole('createRandom', id, 'a stream id');
  const words = new Uint32Array(4);
  philox4x32([...lowAndHigh(id), 0, derivesKey], key, words);
  const [low = 0, high = 0] = words;
  return [low, high];
}

const uniformKinds: KindsOf<UniformOptions> = { 'low?': 'number', 'high?': 'number' };
const normalKinds: KindsOf<NormalOptions> = { 'mean?': 'number', 'std?': 'number' };
const truncatedNormalKinds: KindsOf<TruncatedNormalOptions> = { ...normalKinds, cut: 'number' };

class PhiloxRandom implements Random {
  private next = 0;
  /** Number of the block in `words`, or -1. */
  private block = -1;
  private readonly words = new Uint32Array(4);

  constructor(private readonly key: Key) {}

  get position(): number {
    return this.next;
  }

  set position(position: number) {
    demandWhole('position', position, 'the position');
    this.next = position;
  }

  fork(id: number): Random {
    return new PhiloxRandom(derivedKey(this.key, id));
  }

  word(): number {
    const place = this.next % 4;
    const block = (this.next - place) / 4;
    if (block !== this.block) {
      philox4x32([...lowAndHigh(block), 0, 0], this.key, this.words);
      this.block = block;
    }
    this.next++;
    return this.words[place] as number;
  }

  /** Number in the open interval (0, 1), symmetric around 1/2. */
  private share(): number {
    return (this.word() + 0.5) / twoTo32;
  }

  uniform(): number {
    return (this.word() >>> 8) / 2 ** 24;
  }

  normal(): number {
    return normalQuantile(this.share());
  }

  truncatedNormal(cut: number): number {
    return this.normalWithin(sharesWithin(cut));
  }

  private normalWithin({ below, within }: { readonly below: number; readonly within: number }): number {
    return normalQuantile(below + within * this.share());
  }

  integer(below: number): number {
    if (!(Number.isInteger(below) && below >= 1 && below <= twoTo32)) {
      throw new DparError(`integer: expected a whole number from 1 to 2^32 as the limit, got ${below}. Check 'below'.`);
    }
    // Words beyond the last multiple of the limit would favour small results.
    const fair = twoTo32 - (twoTo32 % below);
    for (;;) {
      const word = this.word();
      if (word < fair) return word % below;
    }
  }

  permutation(length: number): Int32Array {
    const order = Int32Array.from({ length }, (_, i) => i);
    for (let i = length - 1; i > 0; i--) {
      const other = this.integer(i + 1);
      [order[i], order[other]] = [order[other] as number, order[i] as number];
    }
    return order;
  }

  categorical(weights: ArrayLike<number>): number {
    return categorical(weights, this.share());
  }

  categoricalOfLogits(logits: ArrayLike<number>): number {
    return categoricalOfLogits(logits, this.share());
  }

  gumbelMax(weights: Float32Array): number {
    checkArguments('gumbelMax', { weights }, { weights: 'Float32Array' });
    const winner = gumbelMax(weights, this.key, this.next);
    this.next += weights.length;
    return winner;
  }

  fillUniform(data: Float32Array, options: UniformOptions = {}): Float32Array {
    checkArguments('fillUniform', { data, options }, { data: 'Float32Array', 'options?': uniformKinds });
    const { low = 0, high = 1 } = options;
    for (let i = 0; i < data.length; i++) data[i] = low + (high - low) * this.uniform();
    return data;
  }

  fillNormal(data: Float32Array, options: NormalOptions = {}): Float32Array {
    checkArguments('fillNormal', { data, options }, { data: 'Float32Array', 'options?': normalKinds });
    const { mean = 0, std = 1 } = options;
    for (let i = 0; i < data.length; i++) data[i] = mean + std * this.normal();
    return data;
  }

  fillTruncatedNormal(data: Float32Array, options: TruncatedNormalOptions): Float32Array {
    checkArguments('fillTruncatedNormal', { data, options }, { data: 'Float32Array', options: truncatedNormalKinds });
    const { mean = 0, std = 1, cut } = options;
    const shares = sharesWithin(cut);
    for (let i = 0; i < data.length; i++) data[i] = mean + std * this.normalWithin(shares);
    return data;
  }

  fillKeepMask(mask: Uint8Array, keep: number): Uint8Array {
    fillKeepMask(mask, keep, this.key, this.next);
    this.next += Math.ceil(mask.length / 2);
    return mask;
  }
}

/** Share of the standard normal distribution below -cut, and share within cut of 0. */
function sharesWithin(cut: number): { below: number; within: number } {
  if (!(cut > 0))
    throw new DparError(`truncatedNormal: expected a cut above 0 standard deviations, got ${cut}. Check 'cut'.`);
  const below = normalShareBelow(cut);
  return { below, within: 1 - 2 * below };
}

/**
 * Creates a stream of random numbers by Philox4x32-10 in counter mode: word i of a stream is computed from i only. The seed
 * is the key, and each stream id derives a new key from the one before.
 * @param seed Whole number from 0 to 2^53 - 1, or a bigint up to 2^64 - 1.
 * @param stream Whole numbers that name the stream, such as (purpose, step). Their order matters.
 * @throws DparError if the seed or an id is out of range.
 */
export function createRandom(seed: number | bigint, ...stream: readonly number[]): Random {
  return new PhiloxRandom(stream.reduce<Key>(derivedKey, keyOfSeed(seed)));
}
