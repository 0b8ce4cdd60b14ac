/**
 * Walks over the elements of an array in row-major order (last axis fastest).
 * @param strides Distance between neighbours of each axis where the elements lie, in elements.
 * @param visit Gets each element's place in row-major order and where it lies, in elements.
 */
export function forEachStrided(
  shape: readonly number[],
  strides: readonly number[],
  visit: (row: number, offset: number) => void,
): void {
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const index = shape.map(() => 0);
  let offset = 0; // of the element at `row`
  for (let row = 0; row < elements; row++) {
    visit(row, offset);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      offset += strides[axis] as number;
      index[axis] = next;
      if (next < (shape[axis] as number)) break;
      offset -= next * (strides[axis] as number);
      index[axis] = 0;
    }
  }
}
