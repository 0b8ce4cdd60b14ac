const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/**
 * The place of a float32 in the order of all float32: whole numbers that rise with the value, one apart for neighbours.
 * -0 and 0 are both 0.
 */
export function floatToOrder(value: number): number {
  float[0] = value;
  const order = bits[0] as number;
  return order >= 0 ? order : -(order & 0x7fffffff);
}

/** The float32 at a place, the inverse of {@link floatToOrder}. */
export function orderToFloat(order: number): number {
  bits[0] = order >= 0 ? order : -order | -0x80000000;
  return float[0] as number;
}
