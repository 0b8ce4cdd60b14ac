import { html, type TemplateResult } from 'lit-html';
import { type DrawnImage, networkRuns, type PartCost, partMacs, rowsOf, runsOf, wholeCost } from '../../model/costs.js';
import type { DrawingState } from '../../model/drawing.js';
import type { ModelInfo } from '../../model/model-info.js';
import type { ModelName } from '../../worker/protocol.js';
import { fixed, ifKnown, measure, millions, quantity } from '../parts/controls.js';

const titles: Readonly<Record<PartCost['name'], string>> = {
  encoder: 'Local encoder',
  head: 'Boundary head',
  entropy: 'Entropy model',
  global: 'Large transformer',
  decoder: 'Local decoder',
  model: 'Transformer',
};

/** Title of a part in a sentence: 'local encoder'. */
export const partName = (name: PartCost['name']): string => titles[name].toLowerCase();

/** Time of an image in seconds, with its decoding; NaN without a drawing. */
export function wholeSeconds(drawing: DrawingState | undefined): number {
  return drawing ? drawing.seconds + drawing.decodingSeconds : Number.NaN;
}

/** Seconds as text, with their unit. */
export const secondsText = (seconds: number): string => measure(fixed(seconds, 2), 's');

/** Work for an image of a model. Numbers are NaN while they are unknown. */
interface Row {
  /** Last part of the names of its figures. */
  readonly key: string;
  readonly title: string;
  readonly runs: string;
  readonly macs: number;
  readonly time: string;
}

/** Everything that runs for an image of a model: how often, multiply-adds, and the measured time so far. */
export function partsTable(
  { name, title }: { readonly name: ModelName; readonly title: string },
  info: ModelInfo,
  image: DrawnImage,
  drawing: DrawingState | undefined,
): TemplateResult {
  const { costs, blockSize } = info;
  const { stageSeconds = {}, seconds = Number.NaN, decodingSeconds = Number.NaN } = drawing ?? {};
  const time = (value = Number.NaN): string => ifKnown(value, secondsText);
  const networks = costs[name].map(
    (part): Row => ({
      key: part.name,
      title: part.blocks === 0 ? titles[part.name] : `${titles[part.name]}, ${quantity(part.blocks, 'block')}`,
      runs: ifKnown(runsOf(part, image), (runs) => `${runs}${rowsOf(part, image) === 2 ? '\u00a0×\u00a02' : ''}`),
      macs: partMacs(part, image),
      // The sampler measures the whole run of the encoder.
      time: part.name === 'head' ? 'as above' : time(stageSeconds[part.name]),
    }),
  );
  const measured = Object.values(stageSeconds).reduce((sum, value) => sum + value, 0);
  const all = networkRuns(costs[name], image.patches) + 1;
  const rows: readonly Row[] = [
    ...networks,
    { key: 'draw', title: 'Choice of tokens', runs: `${blockSize}`, macs: 0, time: time(stageSeconds.draw) },
    { key: 'other', title: 'Other work', runs: '', macs: 0, time: time(seconds - measured) },
    {
      key: 'tokenizer',
      title: 'Tokenizer decoder',
      runs: '1',
      macs: costs.tokenizerDecoder,
      time: time(decodingSeconds),
    },
    {
      key: 'all',
      title: 'All',
      runs: ifKnown(all, String),
      macs: wholeCost(costs, name, image),
      time: time(wholeSeconds(drawing)),
    },
  ];
  return html`<div class="card table parts">
    <table>
      <caption>What ${title} runs for an image</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Runs</th>
          <th scope="col">Multiply-adds</th>
          <th scope="col">Time</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ key, title, runs, macs, time }) => html`<tr>
            <th scope="row">${title}</th>
            <td data-figure="${name}-${key}-runs">${runs}</td>
            <td data-figure="${name}-${key}-operations">${macs === 0 ? '' : ifKnown(macs, millions)}</td>
            <td data-figure="${name}-${key}-time">${time}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
