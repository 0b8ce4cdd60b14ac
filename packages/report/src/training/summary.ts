import { median, smooth } from '../curve.js';
import { figure, formatSeconds, millions } from '../format.js';
import { type Html, html, table } from '../html.js';
import { secondsOf, smoothingWindow } from './curves.js';
import { lastBeforeFailure, type TrainingRun, trainingFlop, trainsOnlyHead } from './run.js';

/** Key figures of a run. Missing ones are undefined. */
export interface RunFigures {
  readonly step: number;
  /** Smoothed loss: nats per token, or nats^2 if only a boundary head is trained. */
  readonly loss: number | undefined;
  /** Newest correlation and agreement of a boundary head with the entropies of the validation data. */
  readonly boundary: { readonly correlation: number; readonly agreement: number } | undefined;
  readonly bestValidation: { readonly loss: number; readonly step: number } | undefined;
  /** Median over the steps, or NaN without measurements. */
  readonly imagesPerSecond: number;
  /** Mean over the steps. Undefined for a model without patches. */
  readonly meanPatchLength: number | undefined;
  /** Time in training steps. */
  readonly seconds: number;
}

/** Computes the key figures of a run. */
export function figuresOf(run: TrainingRun): RunFigures {
  const { metrics } = run;
  const valuesOf = (key: string) =>
    metrics.flatMap((line): [number, number][] => {
      const value = line[key];
      return value === undefined || !Number.isFinite(value) ? [] : [[line.step as number, value]];
    });
  const best = valuesOf('validation_loss').reduce<[number, number] | undefined>(
    (least, point) => (least && least[1] <= point[1] ? least : point),
    undefined,
  );
  const newest = (key: string): number => valuesOf(key).at(-1)?.[1] ?? Number.NaN;
  const agreement = newest('validation_boundary_agreement');
  const lengths = valuesOf('mean_patch_length').map(([, length]) => length);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return {
    step: metrics.at(-1)?.step ?? 0,
    loss: smooth(valuesOf('loss'), smoothingWindow(metrics.length)).at(-1)?.[1],
    boundary: Number.isNaN(agreement)
      ? undefined
      : { correlation: newest('validation_boundary_correlation'), agreement },
    bestValidation: best && { step: best[0], loss: best[1] },
    imagesPerSecond: median(valuesOf('images_per_second').map(([, rate]) => rate)),
    meanPatchLength: lengths.some((length) => length !== 1) ? mean : undefined,
    seconds: secondsOf(run).at(-1) ?? 0,
  };
}

const states = { running: 'not ended yet', done: 'done', interrupted: 'interrupted', failed: 'failed' } as const;

const stateOf = ({ record }: TrainingRun): string => (record === undefined ? '' : states[record.state]);

/** Alert with the error of a failed run. */
export function failure(run: TrainingRun): Html | undefined {
  const step = lastBeforeFailure(run);
  if (step === undefined) return undefined;
  return html`<p class="alarm"><b>${run.name} failed after step ${step}.</b> ${run.record?.message}</p>`;
}

/** Key figures of one run as tiles. */
export function tiles(run: TrainingRun): Html {
  const { step, loss, boundary, bestValidation, imagesPerSecond, meanPatchLength, seconds } = figuresOf(run);
  const tile = (value: string, meaning: string) => html`<div class="tile"><b>${value}</b><span>${meaning}</span></div>
`;
  return html`<div class="tiles">
${tile(`${step} / ${run.steps}`, `steps${stateOf(run) && `, ${stateOf(run)}`}`)}
${tile(figure(loss, 4), `training loss, smoothed, ${trainsOnlyHead(run) ? 'squared nats' : 'nats per token'}`)}
${bestValidation && tile(figure(bestValidation.loss, 4), `best validation loss, at step ${bestValidation.step}`)}
${boundary && tile(figure(boundary.correlation), 'correlation of the entropies of the boundary head')}
${boundary && tile(`${(100 * boundary.agreement).toFixed(1)} %`, 'agreement of the boundary head')}
${tile(figure(imagesPerSecond), 'images per second, median')}
${meanPatchLength && tile(meanPatchLength.toFixed(2), 'tokens per patch')}
${tile(formatSeconds(seconds), 'in training steps')}
</div>`;
}

/** Table that compares the key figures of several runs. */
export function comparison(runs: readonly TrainingRun[]): Html {
  const figures = runs.map(figuresOf);
  const row = (name: string, cell: (figures: RunFigures, run: TrainingRun) => string) => [
    name,
    ...figures.map((of, i) => cell(of, runs[i] as TrainingRun)),
  ];
  return table(
    ['', ...runs.map(({ name }) => name)],
    [
      row('Model', (_, { model }) => model?.kind ?? '-'),
      row('Parameters', (_, { model }) => (model ? millions(model.parameters) : '-')),
      row('Forward pass (GMAC per image)', (_, { model }) => figure(model && model.forwardMacs / 1e9)),
      row('Steps', ({ step }, run) => `${step} / ${run.steps}`),
      row('State', (_, run) => stateOf(run) || '-'),
      row('Training loss, smoothed (nats per token)', ({ loss }) => figure(loss, 4)),
      row('Best validation loss', ({ bestValidation: best }) =>
        best ? `${figure(best.loss, 4)} at ${best.step}` : '-',
      ),
      ...(figures.some(({ boundary }) => boundary !== undefined)
        ? [
            row('Agreement of the boundary head', ({ boundary }) =>
              boundary ? `${(100 * boundary.agreement).toFixed(1)} %` : '-',
            ),
          ]
        : []),
      row('Images per second, median', ({ imagesPerSecond }) => figure(imagesPerSecond)),
      row('GFLOP per second', ({ imagesPerSecond }, { model }) => gigaFlops(imagesPerSecond, model)),
      row('Tokens per patch', ({ meanPatchLength }) => figure(meanPatchLength)),
      row('Time in training steps', ({ seconds }) => formatSeconds(seconds)),
    ],
  );
}

/** Formats the speed in 10^9 floating-point operations per second. */
export function gigaFlops(imagesPerSecond: number, model: TrainingRun['model']): string {
  return figure(model && (imagesPerSecond * trainingFlop(model)) / 1e9);
}
