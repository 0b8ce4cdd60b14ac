import { checkArguments } from './check-arguments.js';
import { checkWhole } from './error.js';
import { buildTable, type RotaryTable, type RotaryTableOptions, rotaryTableOptionsKinds } from './table.js';

/**
 * 1D RoPE table: position m is rotated by m. The first position after the class positions is 0.
 *
 * @param options `length`: number of positions, without class positions.
 * @returns [1, clsTokens + length, headDim / 2, 2]
 * @throws RopeError if headDim is odd or another option is invalid.
 */
export function sequenceTable(options: RotaryTableOptions & { readonly length: number }): RotaryTable {
  checkArguments('sequenceTable', { options }, { options: { ...rotaryTableOptionsKinds, length: 'number' } });

  const { length } = options;
  checkWhole('sequenceTable', 'length', length, 0);
  return buildTable('sequenceTable', '1d', [{ index: Int32Array.from({ length }, (_, m) => m) }], length, options);
}

/**
 * 2D RoPE table (eq. S1 of DPAR, https://arxiv.org/abs/2512.21867, as in LlamaGen) of an image's tokens in raster order. The
 * first headDim / 4 pairs of a token are rotated by its row, the others by its column.
 *
 * @param options `gridHeight` rows and `gridWidth` columns of tokens.
 * @returns [1, clsTokens + gridHeight * gridWidth, headDim / 2, 2]
 * @throws RopeError if headDim is not a multiple of 4 or another option is invalid.
 */
export function gridTable(
  options: RotaryTableOptions & { readonly gridHeight: number; readonly gridWidth: number },
): RotaryTable {
  checkArguments(
    'gridTable',
    { options },
    { options: { ...rotaryTableOptionsKinds, gridHeight: 'number', gridWidth: 'number' } },
  );

  const { gridHeight, gridWidth } = options;
  checkWhole('gridTable', 'gridHeight', gridHeight, 1);
  checkWhole('gridTable', 'gridWidth', gridWidth, 1);
  const length = gridHeight * gridWidth;
  const row = Int32Array.from({ length }, (_, token) => Math.floor(token / gridWidth));
  const column = Int32Array.from({ length }, (_, token) => token % gridWidth);
  return buildTable('gridTable', '2d', [{ row, column }], length, options);
}
