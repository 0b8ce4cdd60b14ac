import { type KindsOf, listOf } from '@dpar/check';
import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { checkArguments } from './check-arguments.js';
import { type Html, html } from './html.js';

// d3's scales and paths need no browser, unlike chart libraries that draw on a DOM or a canvas.

/** One line of a chart. */
export interface Series {
  readonly name: string;
  /** CSS class with the colour. */
  readonly style: string;
  /** Points (x, y), ascending in x. A y that is not finite interrupts the line. */
  readonly points: readonly (readonly [number, number])[];
  /** Draws a dot at each point. A single point always has a dot. */
  readonly dots?: boolean;
  /** False for a cloud of points in any order without a line. The cloud is one path, so it may have many points. */
  readonly joined?: boolean;
}

const seriesKinds: KindsOf<Series> = {
  name: 'string',
  style: 'string',
  points: 'number[][]',
  'dots?': 'boolean',
  'joined?': 'boolean',
  '*': 'any',
};

/** A line chart. */
export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Start of the x axis. Default: 0. */
  readonly xFrom?: number;
  readonly series: readonly Series[];
  /** The y axis fits the points from this x. Points outside are clipped. Default: all points. */
  readonly fitFrom?: number;
  /** Vertical lines with titles. */
  readonly marks?: readonly { readonly x: number; readonly name: string }[];
}

const chartKinds: KindsOf<Chart> = {
  title: 'string',
  xLabel: 'string',
  yLabel: 'string',
  'xFrom?': 'number',
  series: listOf(seriesKinds),
  'fitFrom?': 'number',
  'marks?': listOf({ x: 'number', name: 'string', '*': 'any' }),
};

const width = 420;
const height = 280;
const margin = { top: 12, right: 14, bottom: 42 };

/** Room for lines and dots at the borders of the drawn area, in pixels. */
const overhang = 4;

/** Decimal digits of coordinates. */
const digits = 1;

/** Draws a line chart as inline SVG that scales with its container. The page's style sheet sets the colours. */
export function lineChart(chart: Chart): Html {
  checkArguments('lineChart', { chart }, { chart: chartKinds });
  const { title, xLabel, yLabel, xFrom = 0, series, fitFrom = xFrom, marks = [] } = chart;
  const all = series.flatMap(({ points }) => points.filter(([, y]) => Number.isFinite(y)));
  const bottom = height - margin.bottom;
  const fitted = all.filter(([x]) => x >= fitFrom).map(([, y]) => y);
  const y = scaleLinear(opened(rangeOf(fitted)), [bottom, margin.top]).nice(5);
  const yText = y.tickFormat(5);
  const yTicks = y.ticks(5).map((tick) => ({ at: round(y(tick)), text: yText(tick) }));
  const left = 30 + character * Math.max(...yTicks.map(({ text }) => text.length));
  const right = width - margin.right;
  const longest = rangeOf([xFrom, ...all.map(([x]) => x), ...marks.map(({ x }) => x)])[1];
  const x = scaleLinear([xFrom, longest > xFrom ? longest : xFrom + 1], [left, right]);
  const xText = x.tickFormat(6);
  // Fewer numbers on the axis if they are long.
  const xTicks = [6, 5, 4, 3, 2].map((count) => x.ticks(count)).find((ticks) => fits(ticks.map(xText), right - left));
  const path = line()
    .defined(([, value]) => Number.isFinite(value))
    .x(([value]) => round(x(value)))
    .y(([, value]) => round(y(value)));
  const area = [
    left - overhang,
    margin.top - overhang,
    right - left + 2 * overhang,
    bottom - margin.top + 2 * overhang,
  ];
  return html`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: ${yLabel} against ${xLabel}">
${yTicks.map(
  ({ at, text }) => html`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>
<text class="tick" x="${left - 6}" y="${at}" dy="0.32em" text-anchor="end">${text}</text>`,
)}
${(xTicks ?? x.domain()).map((tick) => {
  const at = round(x(tick));
  return html`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 4}"/>
<text class="tick" x="${at}" y="${bottom + 17}" text-anchor="middle">${xText(tick)}</text>`;
})}
<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="label" x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">${xLabel}</text>
<text class="label" transform="translate(13 ${(margin.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>
<svg x="${area[0]}" y="${area[1]}" width="${area[2]}" height="${area[3]}" viewBox="${area.join(' ')}">
${marks.map(({ x: place, name }) => {
  const at = round(x(place));
  return html`<line class="mark" x1="${at}" x2="${at}" y1="${margin.top}" y2="${bottom}"><title>${name}</title></line>`;
})}
${series.map(({ name, style, points, dots = false, joined = true }) => {
  const places = points
    .filter(([, value]) => Number.isFinite(value))
    .map(([a, b]) => ({ left: round(x(a)), top: round(y(b)), value: b }));
  if (!joined) {
    // Lines of length 0, whose round caps are dots.
    const d = places.map(({ left, top }) => `M${left} ${top}h0`).join('');
    return html`<path class="cloud ${style}" d="${d}"><title>${name}</title></path>`;
  }
  const d = path(points.map(([a, b]): [number, number] => [a, b])) ?? '';
  const circles = places.map(
    ({ left, top, value }) =>
      html`<circle class="dot ${style}" cx="${left}" cy="${top}" r="2.5"><title>${value.toPrecision(5)}</title></circle>`,
  );
  return html`<path class="line ${style}" d="${d}"><title>${name}</title></path>
${dots || points.length === 1 ? circles : undefined}`;
})}</svg></svg></figure>`;
}

const round = (value: number): number => Number(value.toFixed(digits));

/** Width of a character in the largest size of text, in pixels: that of phones. */
const character = 8.5;

/** True if texts beside one another fit into a width, with gaps of two characters. */
const fits = (texts: readonly string[], width: number): boolean =>
  character * texts.reduce((sum, text) => sum + text.length + 2, 0) <= width;

/** Least and largest value. `Math.min(...values)` fails for about 100,000 values. */
function rangeOf(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  return values.reduce<[number, number]>(
    ([least, largest], value) => [Math.min(least, value), Math.max(largest, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** Widens the range of nearly equal values to 10 % of them, so that the axis has readable numbers. */
function opened([least, largest]: [number, number]): [number, number] {
  const size = Math.max(Math.abs(least), Math.abs(largest));
  if (largest - least > 1e-6 * size) return [least, largest];
  const half = size === 0 ? 0.5 : 0.05 * size;
  return [least - half, largest + half];
}

/** Legend of lines with the given names and styles. */
export function legend(entries: readonly { readonly name: string; readonly style: string }[]): Html {
  checkArguments('legend', { entries }, { entries: listOf({ name: 'string', style: 'string', '*': 'any' }) });
  return html`<p class="legend">${entries.map(
    ({ name, style }) =>
      html`<span><svg viewBox="0 0 28 10" width="28" height="10" aria-hidden="true"><path class="line ${style}" d="M1 5H27"/></svg> ${name}</span> `,
  )}</p>`;
}

/** Draws bars with their values for a few categories. */
export function barChart(
  title: string,
  yLabel: string,
  bars: readonly { readonly name: string; readonly value: number }[],
): Html {
  checkArguments(
    'barChart',
    { title, yLabel, bars },
    { title: 'string', yLabel: 'string', bars: listOf({ name: 'string', value: 'number | NaN', '*': 'any' }) },
  );
  const left = 52;
  const bottom = height - margin.bottom;
  const y = scaleLinear([0, rangeOf(bars.map(({ value }) => value))[1]], [bottom, margin.top + 14]);
  const step = (width - left - margin.right) / bars.length;
  return html`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${bars.map(({ name, value }, i) => {
  const center = left + (i + 0.5) * step;
  return html`<rect class="bar" x="${center - 0.35 * step}" width="${0.7 * step}" y="${y(value)}" height="${bottom - y(value)}"/>
<text class="tick" x="${center}" y="${y(value) - 5}" text-anchor="middle">${(100 * value).toFixed(1)} %</text>
<text class="tick" x="${center}" y="${bottom + 17}" text-anchor="middle">${name}</text>`;
})}
<line class="axis" x1="${left}" x2="${width - margin.right}" y1="${bottom}" y2="${bottom}"/>
<text class="label" x="${(left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">${yLabel}</text>
</svg></figure>`;
}
