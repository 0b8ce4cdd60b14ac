import { lengthsFromStarts } from '@dpar/patchify';
import { html, nothing, type TemplateResult } from 'lit-html';
import { dparCost, dparRuns, entropyCost, llamaGenCost, llamaGenRuns, operationSaving } from '../../model/costs.js';
import type { ModelInfo } from '../../model/model-info.js';
import { fixed, percent } from '../parts/controls.js';
import type { Run } from '../state.js';

/** Explains why times differ from multiply-adds, with measured figures, once both images are finished. */
export function timeExplained(run: Run | undefined, info: ModelInfo): TemplateResult | typeof nothing {
  const [llamagen, dpar] = run?.drawings ?? [];
  if (run?.status !== 'finished' || !llamagen || !dpar) return nothing;
  const image = { patches: lengthsFromStarts(dpar.startsPatch).length, isGuided: run.options.guidanceScale !== 1 };
  const saving = operationSaving(info, image);
  const runs = { dpar: dparRuns(info, image.patches), llamagen: llamaGenRuns(info) };
  const meanRun = (seconds: number, operations: number, count: number): string =>
    `${fixed((1000 * seconds) / count, 2)} ms for ${fixed(operations / count / 1e6, 2)} M multiply-adds`;
  return html`<p class="note" data-figure="time-explained">
    DPAR took ${fixed(dpar.seconds / llamagen.seconds, 2)} times as long as LlamaGen, with
    ${percent(Math.abs(saving))} ${saving < 0 ? 'more' : 'fewer'} multiply-adds. It runs a small network ${runs.dpar} times for this
    image, each time ${meanRun(dpar.seconds, dparCost(info, image) + entropyCost(info), runs.dpar)} on average; LlamaGen runs
    one ${runs.llamagen} times, ${meanRun(llamagen.seconds, llamaGenCost(info, image.isGuided), runs.llamagen)}. Each run
    also starts operations and copies caches in the browser, which takes a fixed time.
  </p>`;
}
