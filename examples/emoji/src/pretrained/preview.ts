import type { Picture } from '@dpar/report';
import type { ChalkInstance } from 'chalk';
import sharp from 'sharp';

/** Two pixels in one character: its foreground is the upper pixel, its background the lower one. */
const upperHalf = '▀';

/**
 * A picture as coloured characters, on white.
 * @param columns Largest number of characters in a line. The picture is never enlarged.
 * @param colours Colours text as far as the terminal supports it.
 */
export async function preview(
  { width, height, data }: Picture,
  columns: number,
  colours: Pick<ChalkInstance, 'rgb'>,
): Promise<string> {
  const { data: pixels, info } = await sharp(data, { raw: { width, height, channels: 4 } })
    .flatten({ background: '#fff' })
    .resize({ width: Math.min(columns, width) })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const colourAt = (x: number, y: number): [number, number, number] => {
    const at = 3 * (y * info.width + x);
    return [pixels[at] ?? 255, pixels[at + 1] ?? 255, pixels[at + 2] ?? 255]; // white below the last row
  };
  return Array.from({ length: Math.ceil(info.height / 2) }, (_, row) =>
    Array.from({ length: info.width }, (_, x) =>
      colours.rgb(...colourAt(x, 2 * row)).bgRgb(...colourAt(x, 2 * row + 1))(upperHalf),
    ).join(''),
  ).join('\n');
}
