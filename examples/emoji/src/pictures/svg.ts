import { type Picture, toPng } from '@dpar/report';
import sharp, { type Sharp } from 'sharp';

/** Colours of the pictures. Each has a white ground of its own, so it looks the same on light and dark pages. */
export const colours = {
  ink: '#1b1f24',
  soft: '#57606a',
  rule: '#c9d1d9',
  patch: '#db2777',
  empty: '#f0f2f5',
} as const;

/** Text of a line. */
export interface Label {
  readonly x: number;
  /** Base line. */
  readonly y: number;
  /** Font size in pixels. */
  readonly size: number;
  readonly bold?: boolean;
  readonly colour?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A line of text. */
export function label(text: string, { x, y, size, bold, colour = colours.ink, anchor = 'start' }: Label): string {
  const weight = bold ? ' font-weight="700"' : '';
  return `<text x="${x}" y="${y}" font-size="${size}"${weight} fill="${colour}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

/** A square picture, enlarged without smoothing. */
export async function square(picture: Picture, x: number, y: number, size: number): Promise<string> {
  const { width, height, data } = picture;
  const whole = Math.ceil(size / width) * width;
  const enlarged = await sharp(data, { raw: { width, height, channels: 4 } })
    .resize(whole, whole, { kernel: 'nearest' })
    .png()
    .toBuffer();
  return `<image x="${x}" y="${y}" width="${size}" height="${size}" href="data:image/png;base64,${enlarged.toString('base64')}"/>`;
}

/** A picture as it is, enlarged smoothly. */
export async function smoothSquare(picture: Picture, x: number, y: number, size: number): Promise<string> {
  const enlarged = await sharp(toPng(picture)).resize(size, size, { kernel: 'mitchell' }).png().toBuffer();
  return `<image x="${x}" y="${y}" width="${size}" height="${size}" href="data:image/png;base64,${enlarged.toString('base64')}"/>`;
}

/** Draws elements on white with rounded corners. */
export function drawing(width: number, height: number, elements: readonly string[]): Sharp {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="'Noto Sans', 'DejaVu Sans', sans-serif">` +
    `<rect width="${width}" height="${height}" rx="${Math.round(width / 100)}" fill="#fff"/>${elements.join('')}</svg>`;
  return sharp(Buffer.from(svg));
}
