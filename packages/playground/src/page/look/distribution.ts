import { html, svg, type TemplateResult } from 'lit-html';
import { heatColour } from '../drawing/heat-map.js';

const bins = 48;
const [width, height] = [480, 56];

/** Share of the scale that a bar leaves free. */
const gap = 0.14;

/**
 * Histogram of entropies in the colours of the heat map, above its colour scale. A line marks the threshold.
 * @param most Nats at the right end.
 */
export function distribution(entropies: Float32Array | undefined, most: number, threshold: number): TemplateResult {
  const counts = new Array<number>(bins).fill(0);
  for (const entropy of entropies ?? []) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((entropy / most) * bins)));
    counts[bin] = (counts[bin] as number) + 1;
  }
  const highest = Math.max(1, ...counts);
  const step = width / bins;
  const line = (Math.min(threshold, most) / most) * width;
  return html`<svg class="distribution" viewBox="0 0 ${width} ${height + 12}" preserveAspectRatio="none" aria-hidden="true">
    ${counts.map((count, bin) => {
      // Square roots let single tokens show beside the many that are easy.
      const tall = Math.sqrt(count / highest) * height;
      return svg`<rect class="bar" x=${(bin + gap / 2) * step} y=${height - tall} width=${step * (1 - gap)}
        height=${tall} fill=${heatColour((bin + 0.5) / bins)} />`;
    })}
    ${counts.map(
      (_, bin) => svg`<rect x=${bin * step} y=${height + 3} width=${step + 0.5} height="9"
        fill=${heatColour((bin + 0.5) / bins)} />`,
    )}
    <line class="threshold" x1=${line} x2=${line} y1="0" y2=${height + 12} vector-effect="non-scaling-stroke" />
  </svg>`;
}

/** Figures below the scale. */
export function scaleTicks(most: number): TemplateResult {
  const ticks = Array.from({ length: Math.floor(most) + 1 }, (_, nats) => nats);
  return html`<div class="ticks" aria-hidden="true">${ticks.map((nats) => html`<span>${nats}</span>`)}</div>`;
}
