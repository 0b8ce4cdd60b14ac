import { type KernelConstant, type KernelMemory, startKernels } from '@dpar/tensor';
import { optimizerWasm } from '../kernels/optimizer.wasm.js';

/** Numbers of one parameter's update. The kernels round them to float32. */
export interface UpdateNumbers {
  readonly gradientScale: number;
  /** 1 - beta1. */
  readonly rate1: number;
  readonly beta2: number;
  /** 1 - beta2. */
  readonly rate2: number;
  /** Factor on the parameter: 1 - learning rate * weight decay. */
  readonly keep: number;
  /** The parameter moves by stepSize * first / (sqrt(second) + epsilon). */
  readonly stepSize: number;
  readonly epsilon: number;
  /** 1 - decay of the moving average; unused without one. */
  readonly averageRate: number;
}

/** Arrays that one parameter's update reads and writes, all of the same length. */
export interface UpdateArrays {
  readonly parameter: Float32Array;
  readonly gradient: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** Moving average of the parameter, if there is one. */
  readonly average?: Float32Array | undefined;
}

/** Arrays in the kernels' memory, by the names of their addresses. */
const slots = ['parameter', 'gradient', 'first', 'second', 'average'] as const;
type Slot = (typeof slots)[number];
type Arrays = Readonly<Partial<Record<Slot, Float32Array>>>;

/** Exports of assembly/optimizer.ts. */
interface Exports extends KernelMemory, Readonly<Record<Slot | 'capacity' | 'sums', KernelConstant>> {
  adamw(
    count: number,
    gradientScale: number,
    rate1: number,
    beta2: number,
    rate2: number,
    keep: number,
    stepSize: number,
    epsilon: number,
  ): void;
  updateAverage(count: number, rate: number): void;
  addScaled(count: number, scale: number): void;
  addSquares(count: number): void;
}

interface Kernels {
  readonly run: Exports;
  readonly chunks: Readonly<Record<Slot, Float32Array>>;
  readonly sums: Float64Array;
}

let started: Kernels | undefined;

function kernels(): Kernels {
  started ??= start();
  return started;
}

function start(): Kernels {
  const run = startKernels<Exports>(optimizerWasm, 'AdamW');
  const { buffer } = run.memory;
  const chunk = (slot: Slot) => new Float32Array(buffer, run[slot].value, run.capacity.value);
  const chunks = Object.fromEntries(slots.map((slot) => [slot, chunk(slot)])) as Record<Slot, Float32Array>;
  return { run, chunks, sums: new Float64Array(buffer, run.sums.value, 8) };
}

/** Updates a parameter by AdamW, and then its moving average, while both are in the cache. */
export function updateParameter(arrays: UpdateArrays, numbers: UpdateNumbers): void {
  const { run } = kernels();
  const { gradientScale, rate1, beta2, rate2, keep, stepSize, epsilon, averageRate } = numbers;
  const { parameter, gradient, first, second, average } = arrays;
  const written = average === undefined ? { parameter, first, second } : { parameter, first, second, average };
  inChunks({ ...written, gradient }, written, (count) => {
    run.adamw(count, gradientScale, rate1, beta2, rate2, keep, stepSize, epsilon);
    if (average !== undefined) run.updateAverage(count, averageRate);
  });
}

/** average = average + rate * (parameter - average) */
export function moveAverage(average: Float32Array, parameter: Float32Array, rate: number): void {
  const { run } = kernels();
  inChunks({ average, parameter }, { average }, (count) => run.updateAverage(count, rate));
}

/** sum = sum + scale * data */
export function addScaled(sum: Float32Array, data: Float32Array, scale: number): void {
  const { run } = kernels();
  inChunks({ parameter: sum, gradient: data }, { parameter: sum }, (count) => run.addScaled(count, scale));
}

/** Sum of squares in double precision: eight sums, each of every eighth element, added in pairs. */
export function sumOfSquares(data: Float32Array): number {
  const { run, chunks, sums } = kernels();
  sums.fill(0);
  inChunks({ gradient: data }, {}, (count) => {
    const whole = Math.ceil(count / sums.length) * sums.length;
    chunks.gradient.fill(0, count, whole);
    run.addSquares(whole);
  });
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = sums;
  return a + b + (c + d) + (e + f + (g + h));
}

/**
 * Passes arrays of one length through the kernels' memory, which holds a chunk of each. Copies within the cache are cheap,
 * and arrays may have any size: a module addresses only 4 GiB.
 */
function inChunks(read: Arrays, written: Arrays, compute: (count: number) => void): void {
  const { run, chunks } = kernels();
  const capacity = run.capacity.value;
  const inputs = entriesOf(read);
  const outputs = entriesOf(written);
  const length = inputs[0]?.[1].length ?? 0;
  for (let start = 0; start < length; start += capacity) {
    const count = Math.min(capacity, length - start);
    for (const [slot, data] of inputs) chunks[slot].set(data.subarray(start, start + count));
    compute(count);
    for (const [slot, data] of outputs) {
      const chunk = chunks[slot];
      data.set(count === capacity ? chunk : chunk.subarray(0, count), start);
    }
  }
}

const entriesOf = (arrays: Arrays) => Object.entries(arrays) as [Slot, Float32Array][];
