import type { KindsOf } from '@dpar/check';
import { gridTable, type RotaryTable } from '@dpar/rope';
import type { Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';

/** What the rotary table of a token grid depends on. */
export interface GridConfig {
  readonly dim: number;
  readonly nHead: number;
  /** Tokens of the square grid. */
  readonly blockSize: number;
  /** Base of the angles; the paper's is 10000. */
  readonly ropeBase: number;
  /** Class tokens before the grid, whose angles are (0, 0). */
  readonly clsTokenNum: number;
}

const gridConfigKinds: KindsOf<GridConfig> = {
  dim: 'number',
  nHead: 'number',
  blockSize: 'number',
  ropeBase: 'number',
  clsTokenNum: 'number',
  '*': 'any',
};

/**
 * 2D rotary table of a token grid, class tokens first.
 * @param positions Only the first so many positions; by default all.
 * @returns [1, positions, headDim / 2, 2]
 * @throws RopeError if headDim is no multiple of 4.
 */
export function gridRotaryData(config: GridConfig, positions?: number): RotaryTable {
  checkArguments('gridRotaryData', { config, positions }, { config: gridConfigKinds, 'positions?': 'number' });

  const side = Math.sqrt(config.blockSize);
  return gridTable({
    headDim: config.dim / config.nHead,
    gridHeight: side,
    gridWidth: side,
    base: config.ropeBase,
    clsTokens: config.clsTokenNum,
    ...(positions !== undefined && { positions }),
  });
}

/**
 * As {@link gridRotaryData}, as a constant of the computation.
 *
 * @throws RopeError if headDim is no multiple of 4.
 */
export function gridRotaryTable<T>(ops: Ops<T>, config: GridConfig, positions: number): T {
  checkArguments(
    'gridRotaryTable',
    { ops, config, positions },
    { ops: 'Ops', config: gridConfigKinds, positions: 'number' },
  );

  return ops.constant(gridRotaryData(config, positions));
}
