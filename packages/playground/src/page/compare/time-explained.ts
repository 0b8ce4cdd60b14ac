import { html, type TemplateResult } from 'lit-html';
import { dparCost, llamaGenCost, networkRuns, operationSaving, type PartCost, wholeCost } from '../../model/costs.js';
import type { DrawingState } from '../../model/drawing.js';
import type { ModelInfo } from '../../model/model-info.js';
import { fixed, measure, millions, percent, quantity } from '../parts/controls.js';
import type { Run } from '../state.js';
import { imageOf } from './image-of.js';
import { partName, wholeSeconds } from './parts-table.js';

/** Explains why times differ from multiply-adds, with measured figures once both images are finished. */
export function timeExplained(run: Run | undefined, info: ModelInfo): TemplateResult {
  const [llamagen, dpar] = run?.drawings ?? [];
  if (run?.status !== 'finished' || !llamagen || !dpar) {
    return html`<p class="note" data-figure="time-explained">
      Compare both, and this text says where the time goes. Multiply-adds are not all of it: each run also starts operations
      and copies caches.
    </p>`;
  }
  const { costs } = info;
  const image = imageOf(run, dpar);
  const whole = 1 - wholeCost(costs, 'dpar', image) / wholeCost(costs, 'llamagen', image);
  const runs = { dpar: networkRuns(costs.dpar, image.patches), llamagen: networkRuns(costs.llamagen, image.patches) };
  const longest = longestPart(costs.dpar, dpar);
  const meanRun = (seconds: number, operations: number, count: number): string =>
    `${measure(fixed((1000 * seconds) / count, 2), 'ms')} for ${millions(operations / count, 2)} multiply-adds`;
  return html`<p class="note" data-figure="time-explained">
    DPAR took ${measure(fixed(wholeSeconds(dpar) / wholeSeconds(llamagen), 2), 'times')} as long as LlamaGen, with
    ${percent(Math.abs(whole))} ${whole < 0 ? 'more' : 'fewer'} multiply-adds (${percent(operationSaving(costs, image))} saved
    without the tokenizer, which both need). Of DPAR’s parts, the ${partName(longest.name)} takes longest:
    ${percent(longest.share)} of the time. DPAR runs small networks ${quantity(runs.dpar, 'time')} for this image, on average
    ${meanRun(dpar.seconds, dparCost(costs, image), runs.dpar)}; LlamaGen runs one ${quantity(runs.llamagen, 'time')},
    ${meanRun(llamagen.seconds, llamaGenCost(costs, image.isGuided), runs.llamagen)}. Each run also starts operations and
    copies caches in the browser, which takes a fixed time.
  </p>`;
}

/** The part that took longest, with its share of the whole time. The boundary head runs within the encoder. */
function longestPart(parts: readonly PartCost[], drawing: DrawingState) {
  const { stageSeconds } = drawing;
  const [longest] = parts
    .map(({ name }) => ({ name, share: (stageSeconds[name] ?? 0) / wholeSeconds(drawing) }))
    .sort((a, b) => b.share - a.share);
  return longest as { readonly name: PartCost['name']; readonly share: number };
}
