import { median, smooth } from '../curve.js';
import { figure, formatSeconds, millions, percent } from '../format.js';
import { type Html, html, table } from '../html.js';
import { secondsOf, smoothingWindow } from './curves.js';
import { codebookSizeOf, lastBeforeFailure, lossUnit, type TrainingRun, trainingFlop } from './run.js';

/** Key figures of a run. Missing ones are undefined. */
export interface RunFigures {
  readonly step: number;
  /** Smoothed loss, see `lossUnit`. */
  readonly loss: number | undefined;
  /** Newest correlation and agreement of a boundary head with the entropies of the validation data. */
  readonly boundary: { readonly correlation: number; readonly agreement: number } | undefined;
  /** Newest figures of a tokenizer. Undefined for other models. */
  readonly tokenizer:
    | {
        /** PSNR of the validation pictures, dB. NaN before the first validation. */
        readonly psnr: number;
        readonly ssim: number;
        readonly fid: number;
        /** Number of validation pictures that `fid` is of. */
        readonly images: number;
        /** Codes that the last steps used, and that occur in the validation pictures. */
        readonly codesInUse: number;
        readonly validationCodes: number;
        /** Codes that were revived in the whole run. */
        readonly revived: number;
      }
    | undefined;
  /** Share of the time in training steps that they wait for data. Undefined if it was not measured. */
  readonly waitShare: number | undefined;
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
  const total = (key: string): number => valuesOf(key).reduce((sum, [, value]) => sum + value, 0);
  const codesInUse = newest('codes_in_use');
  const seconds = secondsOf(run).at(-1) ?? 0;
  const agreement = newest('validation_boundary_agreement');
  const lengths = valuesOf('mean_patch_length').map(([, length]) => length);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return {
    step: metrics.at(-1)?.step ?? 0,
    loss: smooth(valuesOf('loss'), smoothingWindow(metrics.length)).at(-1)?.[1],
    boundary: Number.isNaN(agreement)
      ? undefined
      : { correlation: newest('validation_boundary_correlation'), agreement },
    tokenizer: Number.isNaN(codesInUse)
      ? undefined
      : {
          psnr: newest('validation_psnr'),
          ssim: newest('validation_ssim'),
          fid: newest('validation_fid'),
          images: newest('validation_images'),
          codesInUse,
          validationCodes: newest('validation_codes_in_use'),
          revived: total('revived_codes'),
        },
    waitShare: valuesOf('wait_seconds').length > 0 && seconds > 0 ? total('wait_seconds') / seconds : undefined,
    bestValidation: best && { step: best[0], loss: best[1] },
    imagesPerSecond: median(valuesOf('images_per_second').map(([, rate]) => rate)),
    meanPatchLength: lengths.some((length) => length !== 1) ? mean : undefined,
    seconds,
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

/** Settings that rFID depends on, as far as they are known: `: N = 96, by <network>, resize <resize>`. */
function settingsOfFid({ record }: TrainingRun, images: number | undefined): string {
  const { features } = record ?? {};
  const known = [
    ...(isKnown(images) ? [`N = ${images}`] : []),
    ...(features ? [`by ${features.network}`, `resize ${features.resize}`] : []),
  ];
  return known.length === 0 ? '' : `: ${known.join(', ')}`;
}

/** Key figures of one run as tiles. */
export function tiles(run: TrainingRun): Html {
  const { step, loss, boundary, tokenizer, waitShare, bestValidation, imagesPerSecond, meanPatchLength, seconds } =
    figuresOf(run);
  const all = codebookSizeOf(run);
  const tile = (value: string, meaning: string) => html`<div class="tile"><b>${value}</b><span>${meaning}</span></div>
`;
  const measured = (value: number | undefined, format: (value: number) => string, meaning: string) =>
    isKnown(value) ? tile(format(value), meaning) : undefined;
  return html`<div class="tiles">
${tile(`${step} / ${run.steps}`, `steps${stateOf(run) && `, ${stateOf(run)}`}`)}
${tile(figure(loss, 4), `training loss, smoothed, ${lossUnit(run)}`)}
${bestValidation && tile(figure(bestValidation.loss, 4), `best validation loss, at step ${bestValidation.step}`)}
${boundary && tile(figure(boundary.correlation), 'correlation of the entropies of the boundary head')}
${boundary && tile(`${(100 * boundary.agreement).toFixed(1)} %`, 'agreement of the boundary head')}
${measured(tokenizer?.psnr, decibels, 'PSNR of the validation pictures')}
${measured(tokenizer?.ssim, figure, 'SSIM of the validation pictures')}
${measured(tokenizer?.fid, figure, `rFID of the validation pictures${settingsOfFid(run, tokenizer?.images)}`)}
${tokenizer && tile(`${tokenizer.codesInUse}${all === undefined ? '' : ` / ${all}`}`, 'codes in use in the last steps')}
${measured(tokenizer?.validationCodes, String, 'codes in use in the validation pictures')}
${tokenizer && tile(`${tokenizer.revived}`, 'codes revived')}
${measured(tokenizer && waitShare, percent, 'of the time waiting for pictures')}
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
      row(`Training loss, smoothed (${[...new Set(runs.map(lossUnit))].join('; ')})`, ({ loss }) => figure(loss, 4)),
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
      ...(figures.some(({ tokenizer }) => tokenizer !== undefined)
        ? [
            row('PSNR of the validation pictures', ({ tokenizer: of }) =>
              isKnown(of?.psnr) ? decibels(of.psnr) : '-',
            ),
            row('SSIM of the validation pictures', ({ tokenizer: of }) => (isKnown(of?.ssim) ? figure(of.ssim) : '-')),
            row('rFID of the validation pictures', ({ tokenizer: of }, run) =>
              isKnown(of?.fid) ? `${figure(of.fid)}${settingsOfFid(run, of.images)}` : '-',
            ),
            row('Codes in use in the last steps', ({ tokenizer: of }) => (of ? `${of.codesInUse}` : '-')),
            row('Codes revived', ({ tokenizer: of }) => (of ? `${of.revived}` : '-')),
            row('Waiting for data', ({ waitShare }) => (waitShare === undefined ? '-' : percent(waitShare))),
          ]
        : []),
      row('Images per second, median', ({ imagesPerSecond }) => figure(imagesPerSecond)),
      row('GFLOP per second', ({ imagesPerSecond }, { model }) => gigaFlops(imagesPerSecond, model)),
      ...(figures.some(({ meanPatchLength }) => meanPatchLength !== undefined)
        ? [row('Tokens per patch', ({ meanPatchLength }) => figure(meanPatchLength))]
        : []),
      row('Time in training steps', ({ seconds }) => formatSeconds(seconds)),
    ],
  );
}

/** True for a figure that was measured. */
const isKnown = (value: number | undefined): value is number => value !== undefined && !Number.isNaN(value);

const decibels = (value: number): string => `${value.toFixed(2)} dB`;

/** Formats the speed in 10^9 floating-point operations per second. */
export function gigaFlops(imagesPerSecond: number, model: TrainingRun['model']): string {
  return figure(model && (imagesPerSecond * trainingFlop(model)) / 1e9);
}
