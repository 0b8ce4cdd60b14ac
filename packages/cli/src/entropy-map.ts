import { encode } from 'fast-png';

/** Width of a token in the picture, in pixels. */
const cell = 16;

/** From dark to light: the ends and the middle of a scale that grows evenly in brightness. */
const scale = [
  [24, 15, 62],
  [182, 54, 121],
  [252, 253, 191],
] as const;

/**
 * A picture of the entropies of one image, PNG.
 * @param entropies [T - 1], nats; the first token, which has none, is grey.
 * @param largest Entropy of the lightest colour, nats.
 */
export function entropyMapPng(entropies: Float32Array, largest: number): Uint8Array {
  const side = Math.round(Math.sqrt(entropies.length + 1));
  const size = side * cell;
  const data = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const token = Math.floor(y / cell) * side + Math.floor(x / cell);
      const entropy = entropies[token - 1];
      data.set(entropy === undefined ? [128, 128, 128] : colorOf(entropy / largest), 3 * (y * size + x));
    }
  }
  return encode({ width: size, height: size, data, channels: 3, depth: 8 });
}

function colorOf(share: number): number[] {
  const position = Math.min(1, Math.max(0, share)) * (scale.length - 1);
  const from = scale[Math.min(scale.length - 2, Math.floor(position))] ?? scale[0];
  const to = scale[Math.min(scale.length - 1, Math.floor(position) + 1)] ?? scale[0];
  const rest = position - Math.min(scale.length - 2, Math.floor(position));
  return from.map((value, i) => Math.round(value + rest * ((to[i] ?? value) - value)));
}
