import { checkArguments } from './check-arguments.js';
import { checkWhole } from './error.js';
import { buildTable, type RotaryTable, type RotaryTableOptions, rotaryTableOptionsKinds } from './table.js';

/**
 * 1D RoPE: position m is rotated by m, the first after the class positions being 0.
 *
 * @param options `length`: number of positions, class positions not counted.
 * @returns [1, clsTokens + length, headDim / 2, 2]
 * @throws RopeError if headDim is odd or another option is wrong.
 */
export function sequenceTable(options: RotaryTableOptions & { readonly length: number }): RotaryTable {
  checkArguments(
    'sequenceTable',
    { options },
    {
      options: {
        ...rotaryTableOptionsKinds,
        length: 'number',
      },
    },
  );

  const { length } = options;
  checkWhole('sequenceTable', 'length', length, 0);
  return buildTable('sequenceTable', '1d', [{ index: Int32Array.from({ length }, (_, m) => m) }], length, options);
}

/**
 * 2D RoPE (eq. S1 of DPAR, https://arxiv.org/abs/2512.21867; LlamaGen's) of all tokens of an image in raster order: the
 * first headDim / 4 pairs of a token are rotated by its row, the others by its column.
 *
 * @param options `gridHeight` rows and `gridWidth` columns of tokens.
 * @returns [1, clsTokens + gridHeight * gridWidth, headDim / 2, 2]
 * @throws RopeError if headDim is no multiple of 4 or another option is wrong.
 */
export function gridTable(
  options: RotaryTableOptions & { readonly gridHeight: number; readonly gridWidth: number },
): RotaryTable {
  checkArguments(
    'gridTable',
    { options },
    {
      options: {
        ...rotaryTableOptionsKinds,
        gridHeight: 'number',
        gridWidth: 'number',
      },
    },
  );

  const { gridHeight, gridWidth } = options;
  checkWhole('gridTable', 'gridHeight', gridHeight, 1);
  checkWhole('gridTable', 'gridWidth', gridWidth, 1);
  const length = gridHeight * gridWidth;
  const row = Int32Array.from({ length }, (_, token) => Math.floor(token / gridWidth));
  const column = Int32Array.from({ length }, (_, token) => token % gridWidth);
  return buildTable('gridTable', '2d', [{ row, column }], length, options);
}
