import { lineChart, smooth } from '@dpar/report';
import { html, type TemplateResult } from 'lit-html';
import { unsafeHTML } from 'lit-html/directives/unsafe-html.js';

/** Steps over which the drawn mean reaches. */
const window = 8;

/**
 * The loss curve of a training, as reports draw it. The axis reaches to the last step from the start.
 * @param losses Nats per token, [step].
 */
export function lossChart(
  losses: readonly number[],
  run: { readonly steps: number; readonly samplingSteps: readonly number[] } | undefined,
): TemplateResult {
  const points = losses.map((loss, i): [number, number] => [i + 1, loss]);
  const chart = lineChart({
    title: 'Loss: how badly it predicts your pictures',
    xLabel: 'Step',
    yLabel: 'Nats per token',
    xFrom: 0,
    series: [
      { name: 'Each step', style: 'raw', points },
      { name: 'Mean of the last steps', style: 'mean', points: smooth(points, window) },
    ],
    marks: (run?.samplingSteps ?? []).map((x) => ({ x, name: `Images after step ${x}` })),
  });
  // Numbers and our own texts, escaped by the report's templates.
  return html`<div class="card">${unsafeHTML(chart.toString())}</div>`;
}
