import { createLogUpdate } from 'log-update';
import picocolors from 'picocolors';
import type { Context } from '../command/command.js';
import { showsColors, type Terminal } from '../command/progress.js';
import type { BoundaryState, TokenizerState, TokenizerValidationState, TrainState } from './state.js';
import { percent, viewLines } from './view.js';

// log-update replaces text on a terminal. It writes only changed lines, in one piece, and restores the cursor at any exit.

/** Display of a run. */
export interface TrainDisplay {
  /** Shows a state. @param atOnce Shows it even shortly after the last one. */
  show(state: TrainState, atOnce?: boolean): void;
  /** Leaves the last state on the screen. */
  stop(): void;
}

/** A view that is updated in place on a terminal; elsewhere a line every few seconds. */
export function createDisplay({ terminal, progress }: Context, steps: number, start: number): TrainDisplay {
  if (terminal !== undefined) return liveDisplay(terminal);
  const lines = progress({ label: 'train', unit: 'steps', total: steps, start });
  return { show: (state) => lines.update(state.step, noteOf(state)), stop: () => lines.stop() };
}

/** Time between two updates of a terminal, in milliseconds. */
const interval = 250;

/** Width of a terminal that does not report its width. */
const usualColumns = 80;

/** A view on a terminal. */
export function liveDisplay(terminal: Terminal): TrainDisplay {
  const colors = picocolors.createColors(showsColors(terminal));
  const update = createLogUpdate(terminal);
  let shownAt = Number.NEGATIVE_INFINITY;
  let shownLines = 0;
  let hidden: TrainState | undefined;
  const draw = (state: TrainState): void => {
    // Some terminals begin a new line after a full last column.
    const lines = viewLines(state, Math.max(1, (terminal.columns ?? usualColumns) - 1), colors);
    if (lines.length !== shownLines) update.clear();
    update(lines.join('\n'));
    shownLines = lines.length;
    shownAt = performance.now();
    hidden = undefined;
  };
  return {
    show(state, atOnce = false) {
      if (atOnce || performance.now() - shownAt >= interval) draw(state);
      else hidden = state;
    },
    stop() {
      if (hidden !== undefined) draw(hidden);
      update.done();
    },
  };
}

/** Figures of a step on one line. */
export function noteOf({ metrics, loss, validation, boundary, tokenizer }: TrainState): string {
  if (metrics === undefined) return '';
  const { gradientNorm, learningRate, imagesPerSecond, meanPatchLength } = metrics;
  return [
    `loss ${metrics.loss.toFixed(4)}, mean ${loss.toFixed(4)}`,
    ...(validation ? [`validation ${validation.last.toFixed(4)}, best ${validation.best.toFixed(4)}`] : []),
    ...(tokenizer ? tokenizerNotes(tokenizer) : []),
    ...(boundary ? [`boundary ${boundary.loss.toFixed(4)} nats²`] : []),
    ...(boundary?.validation ? [validationNote(boundary.validation)] : []),
    `gradient ${gradientNorm.toPrecision(3)}`,
    `learning rate ${learningRate.toPrecision(3)}`,
    `${imagesPerSecond.toPrecision(3)} images/s`,
    ...(meanPatchLength === 1 ? [] : [`${meanPatchLength.toFixed(2)} tokens per patch`]),
  ].join(', ');
}

/** Newest comparison of a boundary head with the validation data. */
export function validationNote({ loss, correlation, agreement }: NonNullable<BoundaryState['validation']>): string {
  return `validation of the boundary head ${loss.toFixed(4)}, correlation ${correlation.toFixed(3)}, agreement ${percent(agreement)}`;
}

function tokenizerNotes({ terms, codesInUse, codebookSize, validation, waitShare }: TokenizerState): string[] {
  return [
    ...terms.map(([name, mean]) => `${name} ${mean.toPrecision(3)}`),
    ...(validation ? [picturesNote(validation)] : []),
    `${codesInUse} of ${codebookSize} codes in use`,
    `waiting for pictures ${percent(waitShare)}`,
  ];
}

/** Figures of the validation of a tokenizer, as a text. */
export function picturesNote({ psnr, ssim, codesInUse, fid, images }: TokenizerValidationState): string {
  return [
    `PSNR ${psnr.toFixed(2)} dB`,
    ...(Number.isNaN(ssim) ? [] : [`SSIM ${ssim.toFixed(3)}`]),
    ...(fid === undefined ? [] : [`rFID ${fid.toPrecision(4)} (N = ${images})`]),
    `${codesInUse} codes in the validation pictures`,
  ].join(', ');
}
