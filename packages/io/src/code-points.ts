/**
 * Compares two texts by their code points, as Python's `sorted` and Rust's `str` do: negative, zero or positive. Plain `<` of
 * JavaScript compares UTF-16 units and puts characters above U+FFFF, such as emoji, before those from U+E000 to U+FFFF.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** A UTF-16 unit in the order of code points: surrogates, of which the highest are made, come after all others. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
