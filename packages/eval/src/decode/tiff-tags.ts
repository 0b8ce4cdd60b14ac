/** Numbers of the tags that are read of TIFF directories, which EXIF data are too. */
export const tiffTags = { orientation: 274, extraSamples: 338 } as const;

/** The type of 16-bit whole numbers. */
const shortType = 3;

/**
 * The first value of a tag of 16-bit numbers in the first directory of TIFF or EXIF data.
 * @returns undefined if the data have no such tag, or are damaged: what an EXIF block says is never a reason to refuse an image.
 */
export function readTiffTag(bytes: Uint8Array, tag: number): number | undefined {
  const place = findTiffTag(bytes, tag);
  return place && viewOf(bytes).getUint16(place.at, place.little);
}

/** A copy of TIFF data with another value of a tag that they have. */
export function withTiffTag(bytes: Uint8Array, tag: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const place = findTiffTag(copy, tag);
  if (place) viewOf(copy).setUint16(place.at, value, place.little);
  return copy;
}

/** Where the first value of a tag lies, and in which order of bytes. */
function findTiffTag(bytes: Uint8Array, tag: number): { readonly at: number; readonly little: boolean } | undefined {
  // Some programs write the marker of JPEG files before it.
  const begin = String.fromCharCode(...bytes.subarray(0, 4)) === 'Exif' ? 6 : 0;
  const view = viewOf(bytes);
  try {
    const order = view.getUint16(begin);
    const little = order === 0x4949;
    if ((!little && order !== 0x4d4d) || view.getUint16(begin + 2, little) !== 42) return undefined;
    const directory = begin + view.getUint32(begin + 4, little);
    const count = view.getUint16(directory, little);
    for (let entry = directory + 2; entry < directory + 2 + 12 * count; entry += 12) {
      if (view.getUint16(entry, little) !== tag || view.getUint16(entry + 2, little) !== shortType) continue;
      // Up to two values are in the entry itself.
      const at = view.getUint32(entry + 4, little) <= 2 ? entry + 8 : begin + view.getUint32(entry + 8, little);
      return at + 2 <= bytes.length ? { at, little } : undefined;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** An EXIF orientation from 1 to 8; 1 for one that is missing or none. */
export function validOrientation(value: number | undefined): number {
  return value !== undefined && value >= 1 && value <= 8 ? value : 1;
}
