import { gridTable, type RotaryEmbedding, type RotaryTable, rotaryLayout } from '@dpar/rope';
import { DparError, type Ops } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { type GridConfig, gridConfigKinds } from './gpt-config.js';

/**
 * 2D rotary table of a token grid, class tokens first.
 * @param positions Number of positions, from the first on; by default all.
 * @returns [1, positions, headDim / 2, 2]
 * @throws RopeError if 4 does not divide headDim.
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
    positions: positions ?? config.blockSize + config.clsTokenNum,
  });
}

/**
 * The table of {@link gridRotaryData} as a constant of the computation.
 *
 * @throws RopeError if 4 does not divide headDim.
 */
export function gridRotaryTable<T>(ops: Ops<T>, config: GridConfig, positions: number): T {
  checkArguments(
    'gridRotaryTable',
    { ops, config, positions },
    { ops: 'Ops', config: gridConfigKinds, positions: 'number' },
  );

  return ops.constant(gridRotaryData(config, positions));
}

/**
 * Checks that a rotary embedding can rotate the heads of a configuration.
 * @param caller Function that errors name.
 * @throws DparError if it divides heads into more parts than their width bears.
 */
export function checkHeads(
  caller: string,
  config: Pick<GridConfig, 'dim' | 'nHead'>,
  embedding: RotaryEmbedding = '2d',
): void {
  checkArguments(
    'checkHeads',
    { caller, config, embedding },
    { caller: 'string', config: { dim: 'number', nHead: 'number', '*': 'any' }, 'embedding?': 'string' },
  );
  const { dim, nHead } = config;
  if (dim % nHead !== 0) {
    throw new DparError(
      `${caller}: expected 'dim' to be a multiple of 'n_head', got ${dim} and ${nHead}. Change the width or the number of heads.`,
    );
  }
  try {
    rotaryLayout(embedding, dim / nHead);
  } catch (cause) {
    throw new DparError(
      `${caller}: expected 'dim' and 'n_head' that make heads for the embedding '${embedding}', got ${dim} / ${nHead} = ${dim / nHead}. ` +
        (cause as Error).message,
      { cause },
    );
  }
}
