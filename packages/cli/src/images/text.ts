import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Font } from 'opentype.js';

// Fonts of the machine differ, or are missing in containers. So text is drawn with a font that is installed with the command: its
// outlines are read by opentype.js and filled by resvg, which gives the same pixels on every machine. Both are loaded when they are
// needed.

/** Subsets of Noto Sans in the package, in the order in which a character is looked up. */
const subsets = ['latin', 'latin-ext', 'cyrillic', 'cyrillic-ext', 'greek', 'greek-ext', 'vietnamese'] as const;

/** Draws text of one size. */
export interface TextPen {
  /** True if the font has all characters of a text. */
  has(text: string): boolean;
  /** Width of a text in pixels. */
  width(text: string): number;
  /** Outlines of a text that begins at (0, 0) on its base line, as SVG path data. */
  path(text: string): string;
}

let fonts: Promise<readonly Font[]> | undefined;

/** Makes a pen. @param size Size of the font in pixels. */
export async function textPen(size: number): Promise<TextPen> {
  fonts ??= readFonts();
  const loaded = await fonts;
  const fontOf = (character: string) => loaded.find((font) => font.charToGlyphIndex(character) > 0);
  /** The text in pieces that one font draws. */
  const pieces = (text: string): { font: Font; text: string }[] => {
    const found: { font: Font; text: string }[] = [];
    for (const character of text) {
      const font = fontOf(character) ?? (loaded[0] as Font);
      const last = found.at(-1);
      if (last?.font === font) last.text += character;
      else found.push({ font, text: character });
    }
    return found;
  };
  const width = (text: string): number =>
    pieces(text).reduce((sum, piece) => sum + piece.font.getAdvanceWidth(piece.text, size), 0);
  return {
    has: (text) => [...text].every((character) => fontOf(character) !== undefined),
    width,
    path: (text) => {
      let left = 0;
      return pieces(text)
        .map((piece) => {
          const path = piece.font.getPath(piece.text, left, 0, size).toPathData(2);
          left += piece.font.getAdvanceWidth(piece.text, size);
          return path;
        })
        .join('');
    },
  };
}

async function readFonts(): Promise<Font[]> {
  const { default: opentype } = await import('opentype.js');
  const read = async (subset: string): Promise<Font> => {
    const file = await readFile(require.resolve(`@fontsource/noto-sans/files/noto-sans-${subset}-400-normal.woff`));
    return opentype.parse(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer);
  };
  return Promise.all(subsets.map(read));
}

const require = createRequire(import.meta.url);

let renderer: Promise<typeof import('@resvg/resvg-wasm')> | undefined;

async function loadRenderer(): Promise<typeof import('@resvg/resvg-wasm')> {
  const resvg = await import('@resvg/resvg-wasm');
  await resvg.initWasm(await readFile(require.resolve('@resvg/resvg-wasm/index_bg.wasm')));
  return resvg;
}

/** Draws an SVG picture without text. @returns RGBA bytes [height, width, 4] */
export async function drawSvg(svg: string): Promise<Uint8Array> {
  renderer ??= loadRenderer();
  const picture = new (await renderer).Resvg(svg);
  try {
    const image = picture.render();
    try {
      return image.pixels;
    } finally {
      image.free();
    }
  } finally {
    picture.free();
  }
}
