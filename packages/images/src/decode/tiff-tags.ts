/** Tags of TIFF directories and EXIF data. */
export const tiffTags = { orientation: 274, extraSamples: 338 } as const;

/** Bytes of a whole number, by its type. Some programs write the orientation in four bytes. */
const widths: Readonly<Record<number, 2 | 4>> = { 3: 2, 4: 4 };

/**
 * Reads the first value of a tag of whole numbers in the first directory of TIFF or EXIF data.
 * @returns undefined if the tag is missing or the data are damaged. A damaged EXIF block is no reason to refuse an image.
 */
export function readTiffTag(bytes: Uint8Array, tag: number): number | undefined {
  const place = findTiffTag(bytes, tag);
  return place && valueAt(viewOf(bytes), place);
}

/** Reads the orientation, 1 to 8, from EXIF data, or else from XMP data, as Pillow's `exif_transpose` does. */
export function readOrientation(exif: Uint8Array | undefined, xmp: Uint8Array | undefined): number {
  const tag = exif && readTiffTag(exif, tiffTags.orientation);
  if (tag !== undefined || xmp === undefined) return validOrientation(tag);
  const [, digit] = /tiff:Orientation(?:="|>)([0-9])/.exec(Buffer.from(xmp).toString('latin1')) ?? [];
  return validOrientation(digit === undefined ? undefined : Number(digit));
}

function valueAt(view: DataView, { at, little, width }: Place): number {
  return width === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
}

/** Copies TIFF data with another value of an existing tag. */
export function withTiffTag(bytes: Uint8Array, tag: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const place = findTiffTag(copy, tag);
  if (place) {
    const view = viewOf(copy);
    if (place.width === 2) view.setUint16(place.at, value, place.little);
    else view.setUint32(place.at, value, place.little);
  }
  return copy;
}

/** Position of the first value of a tag, its width in bytes and their order. */
interface Place {
  readonly at: number;
  readonly little: boolean;
  readonly width: 2 | 4;
}

function findTiffTag(bytes: Uint8Array, tag: number): Place | undefined {
  // Some programs write the marker of JPEG files first.
  const begin = String.fromCharCode(...bytes.subarray(0, 4)) === 'Exif' ? 6 : 0;
  const view = viewOf(bytes);
  try {
    const order = view.getUint16(begin);
    const little = order === 0x4949;
    if ((!little && order !== 0x4d4d) || view.getUint16(begin + 2, little) !== 42) return undefined;
    const directory = begin + view.getUint32(begin + 4, little);
    const count = view.getUint16(directory, little);
    for (let entry = directory + 2; entry < directory + 2 + 12 * count; entry += 12) {
      const width = widths[view.getUint16(entry + 2, little)];
      if (view.getUint16(entry, little) !== tag || width === undefined) continue;
      // The entry itself holds up to four bytes.
      const size = width * view.getUint32(entry + 4, little);
      const at = size <= 4 ? entry + 8 : begin + view.getUint32(entry + 8, little);
      return at + width <= bytes.length ? { at, little, width } : undefined;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Replaces a missing or invalid EXIF orientation by 1. */
export function validOrientation(value: number | undefined): number {
  return value !== undefined && value >= 1 && value <= 8 ? value : 1;
}
