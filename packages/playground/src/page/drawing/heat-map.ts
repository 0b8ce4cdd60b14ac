/** A colour in the OKLab space, in which equal distances look equal: https://bottosson.github.io/posts/oklab/ */
export type OkLab = readonly [lightness: number, a: number, b: number];

const steps = 256;

/** Lightness of both ends, and the hues in degrees between which the scale turns: indigo, magenta, orange, yellow. */
const [darkest, lightest] = [0.2, 0.95];
const [firstHue, lastHue] = [285, 455];
const strongestChroma = 0.19;

/** The colour at t in 0..1, before it is fitted to what screens can show. */
function ideal(t: number, chromaScale: number): OkLab {
  const hue = ((firstHue + (lastHue - firstHue) * t) * Math.PI) / 180;
  const chroma = chromaScale * strongestChroma * Math.sin(Math.PI * (0.12 + 0.78 * t)) ** 0.8;
  return [darkest + (lightest - darkest) * t, chroma * Math.cos(hue), chroma * Math.sin(hue)];
}

/** Linear red, green and blue of an OKLab colour; outside 0..1 where no screen shows it. */
function linearRgb([L, a, b]: OkLab): [number, number, number] {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

const isShown = (rgb: readonly number[]): boolean => rgb.every((value) => value >= 0 && value <= 1);

/** The colour at t with as much chroma as screens have at that lightness and hue. */
function fitted(t: number): OkLab {
  let scale = 1;
  while (!isShown(linearRgb(ideal(t, scale))) && scale > 0) scale -= 0.01;
  return ideal(t, Math.max(0, scale));
}

function byte(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, value)));
}

const labs: readonly OkLab[] = Array.from({ length: steps }, (_, i) => fitted(i / (steps - 1)));
const colours = labs.map((lab) => `rgb(${linearRgb(lab).map(byte).join(' ')})`);

const indexAt = (t: number): number => Math.round(Math.min(1, Math.max(0, t)) * (steps - 1));

/** OKLab colour of the scale at t, clipped to 0..1. */
export function heatLab(t: number): OkLab {
  return labs[indexAt(t)] as OkLab;
}

/**
 * The heat map's colour, as CSS writes it, for a value t that is clipped to 0..1. Its lightness rises in proportion to t,
 * so that it reads the same without colour vision, and printed in grey.
 */
export function heatColour(t: number): string {
  return colours[indexAt(t)] as string;
}
