import type { KindsOf } from '@dpar/check';
import type { UpdateArrays, UpdateNumbers } from './kernels.js';

/** A thread that updates a part of the parameters: see `createOptimizerThread`. */
export interface OptimizerThread {
  /**
   * Moves arrays to the thread. They cannot be used until {@link OptimizerThread.giveBack} returns them.
   * @returns The sum of squares of each gradient.
   */
  take(parameters: readonly UpdateArrays[]): Promise<readonly number[]>;
  /**
   * Updates the arrays of the thread and moves them back, in their order.
   * @param updates Numbers of each update; `undefined` leaves the arrays as they are.
   */
  giveBack(updates: readonly UpdateNumbers[] | undefined): Promise<readonly UpdateArrays[]>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** Kinds of {@link OptimizerThread}. */
export const optimizerThreadKinds: KindsOf<OptimizerThread> = {
  take: 'function',
  giveBack: 'function',
  close: 'function',
  '*': 'any',
};

/** All arrays of one parameter. */
function viewsOf({ parameter, gradient, first, second, average }: UpdateArrays): Float32Array[] {
  const views = [parameter, gradient, first, second];
  return average === undefined ? views : [...views, average];
}

/** Memory of arrays. */
export function memoryOf(parameters: readonly UpdateArrays[]): ArrayBuffer[] {
  return parameters.flatMap((arrays) => viewsOf(arrays).map(({ buffer }) => buffer as ArrayBuffer));
}

/**
 * Selects about half of the work for another thread. Only arrays that fill their memory can move, so that nothing else
 * moves with them.
 * @returns Indices into `parameters`, in descending order of their sizes.
 */
export function halfToMove(parameters: readonly UpdateArrays[]): readonly number[] {
  const uses = new Map<ArrayBufferLike, number>();
  for (const buffer of memoryOf(parameters)) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  const canMove = (arrays: UpdateArrays): boolean =>
    viewsOf(arrays).every(
      ({ buffer, byteLength }) =>
        buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && uses.get(buffer) === 1,
    );
  const descending = [...parameters.entries()].sort(([, a], [, b]) => b.parameter.length - a.parameter.length);
  const moved: number[] = [];
  let balance = 0; // elements that stay, minus elements that move
  for (const [index, arrays] of descending) {
    const moves = balance > 0 && canMove(arrays);
    if (moves) moved.push(index);
    balance += moves ? -arrays.parameter.length : arrays.parameter.length;
  }
  return moved;
}
