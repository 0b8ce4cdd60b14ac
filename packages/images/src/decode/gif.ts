/** Details of the first picture of a GIF file that decoders for screens hide. */
export interface GifPicture {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Colour outside the picture. Undefined if the file has no colours. */
  readonly fill: readonly number[] | undefined;
  readonly isTransparent: boolean;
  /** Copy of the file without its transparency flag. */
  readonly opaque: Uint8Array;
}

/**
 * Reads the first picture's place and colours. Outside the picture, Pillow fills with the transparent colour, or else with the
 * first one.
 * @returns undefined if there is no picture, so the file is damaged.
 */
export function readGif(bytes: Uint8Array): GifPicture | undefined {
  const byte = (at: number): number => bytes[at] ?? 0;
  const tableBytes = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const opaque = Uint8Array.from(bytes);
  let transparent: number | undefined;
  let at = 13 + tableBytes(byte(10));
  while (byte(at) === 0x21) {
    if (byte(at + 1) === 0xf9 && byte(at + 3) & 1) {
      transparent = byte(at + 6);
      opaque[at + 3] = byte(at + 3) & ~1;
    }
    for (at += 2; byte(at) !== 0; at += 1 + byte(at));
    at++;
  }
  if (byte(at) !== 0x2c) return undefined;
  const [left = 0, top = 0, width = 0, height = 0] = [1, 3, 5, 7].map((i) => byte(at + i) + 256 * byte(at + i + 1));
  const flags = byte(at + 9);
  const table = tableBytes(flags) > 0 ? at + 10 : 13;
  const colors = bytes.subarray(table, table + (tableBytes(flags) || tableBytes(byte(10))));
  const fill = colors.subarray(3 * (transparent ?? 0), 3 * (transparent ?? 0) + 3);
  const isTransparent = transparent !== undefined;
  return { left, top, width, height, fill: fill.length === 3 ? [...fill] : undefined, isTransparent, opaque };
}
