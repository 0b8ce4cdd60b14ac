import colorString from 'color-string';
import { checkArguments } from './check-arguments.js';
import type { Rgb } from './image-set.js';

/** Reads an opaque colour, as CSS writes it: `white`, `#ffffff`, `#fff`, `rgb(255, 255, 255)`. @returns undefined for another text. */
export function parseColor(text: string): Rgb | undefined {
  checkArguments('parseColor', { text }, { text: 'string' });

  const [red, green, blue, alpha] = colorString.get.rgb(text.trim().toLowerCase()) ?? [];
  const parts = [red, green, blue].map((part) => Math.round(part ?? Number.NaN));
  if (alpha !== 1 || !parts.every((part) => part >= 0 && part <= 255)) return undefined;
  return parts as unknown as Rgb;
}

/** Writes a colour as `#rrggbb`. */
export function formatColor(color: Rgb): string {
  checkArguments('formatColor', { color }, { color: 'number[]' });

  return `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
