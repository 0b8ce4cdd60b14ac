import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';
import { type Html, html } from './html.js';

/** One line of a chart. */
export interface Series {
  readonly name: string;
  /** CSS class that gives the colour. */
  readonly style: string;
  /** (x, y), ascending in x. */
  readonly points: readonly (readonly [number, number])[];
}

/** A line chart. */
export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const width = 420;
const height = 280;
const margin = { top: 12, right: 14, bottom: 42, left: 52 };

/**
 * A chart as inline SVG that scales with its place. Scales and paths are those of d3 (which need no browser); colours come
 * from the page's style sheet, so that they follow light and dark mode.
 */
export function lineChart({ title, xLabel, yLabel, series }: Chart): Html {
  const all = series.flatMap(({ points }) => points);
  const [ys, xs] = [all.map(([, y]) => y), all.map(([x]) => x)];
  const left = margin.left;
  const bottom = height - margin.bottom;
  const x = scaleLinear([0, Math.max(...xs)], [left, width - margin.right]);
  const y = scaleLinear([Math.min(...ys), Math.max(...ys)], [bottom, margin.top]).nice(5);
  const path = line()
    .x(([value]) => x(value))
    .y(([, value]) => y(value));
  const xTicks = x.ticks(6);
  const xText = x.tickFormat(6);
  const yText = y.tickFormat(5);
  return html`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: ${yLabel} against ${xLabel}">
${y.ticks(5).map(
  (tick) => html`<line class="grid" x1="${left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}"/>
<text class="tick" x="${left - 6}" y="${y(tick)}" dy="0.32em" text-anchor="end">${yText(tick)}</text>`,
)}
${xTicks.map(
  (tick) => html`<line class="axis" x1="${x(tick)}" x2="${x(tick)}" y1="${bottom}" y2="${bottom + 4}"/>
<text class="tick" x="${x(tick)}" y="${bottom + 17}" text-anchor="middle">${xText(tick)}</text>`,
)}
<line class="axis" x1="${left}" x2="${width - margin.right}" y1="${bottom}" y2="${bottom}"/>
<text class="label" x="${(left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">${xLabel}</text>
<text class="label" transform="translate(13 ${(margin.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>
${series.map(
  ({ name, style, points }) =>
    html`<path class="line ${style}" d="${path(points.map(([a, b]): [number, number] => [a, b])) ?? ''}"><title>${name}</title></path>
`,
)}</svg></figure>`;
}

/** The key to lines of the given names and styles. */
export function legend(entries: readonly { readonly name: string; readonly style: string }[]): Html {
  return html`<p class="legend">${entries.map(
    ({ name, style }) =>
      html`<span><svg viewBox="0 0 28 10" width="28" height="10" aria-hidden="true"><path class="line ${style}" d="M1 5H27"/></svg> ${name}</span> `,
  )}</p>`;
}

/** Bars with their values, for a few categories. */
export function barChart(
  title: string,
  yLabel: string,
  bars: readonly { readonly name: string; readonly value: number }[],
): Html {
  const bottom = height - margin.bottom;
  const y = scaleLinear([0, Math.max(...bars.map(({ value }) => value))], [bottom, margin.top + 14]);
  const step = (width - margin.left - margin.right) / bars.length;
  return html`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${bars.map(({ name, value }, i) => {
  const center = margin.left + (i + 0.5) * step;
  return html`<rect class="bar" x="${center - 0.35 * step}" width="${0.7 * step}" y="${y(value)}" height="${bottom - y(value)}"/>
<text class="tick" x="${center}" y="${y(value) - 5}" text-anchor="middle">${(100 * value).toFixed(1)} %</text>
<text class="tick" x="${center}" y="${bottom + 17}" text-anchor="middle">${name}</text>`;
})}
<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${bottom}" y2="${bottom}"/>
<text class="label" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">${yLabel}</text>
</svg></figure>`;
}
