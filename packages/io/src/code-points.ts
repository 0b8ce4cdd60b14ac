/**
 * Compares two texts by their code points, as Python's `sorted` and Rust's `str` do. JavaScript's `<` compares UTF-16 units, and
 * puts characters above U+FFFF, such as emoji, before those from U+E000 to U+FFFF.
 * @returns A negative number, zero or a positive number.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Rank of a UTF-16 unit in the order of code points: surrogates come after all others. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
