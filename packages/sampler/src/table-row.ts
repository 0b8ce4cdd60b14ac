/** The rotary angles of one position: row `position` of a table [positions, headDim / 2, 2]. */
export function tableRow(table: Float32Array, position: number, headDim: number): Float32Array {
  return table.subarray(position * headDim, (position + 1) * headDim);
}
