import { figure, formatSeconds } from '@dpar/report';
import type { Colors } from 'picocolors/types';
import { sparkline } from './sparkline.js';
import type { BoundaryState, TokenizerState, TrainState } from './state.js';

/** Unbroken piece of a line: a name and a value. */
interface Cell {
  readonly name?: string;
  readonly value: string;
  readonly paint?: (text: string) => string;
}

/** Width of the name at the start of a row. */
const nameWidth = 11;

/** Largest width of the bar and of the course of the loss, in characters. */
const [longestBar, longestCourse] = [40, 48];

/** Smallest useful width of a bar or a course, in characters. */
const shortest = 8;

/**
 * Lines that show the state of a run. Cells that do not fit in a line move to the next.
 * @param columns Largest length of a line, at least 1.
 */
export function viewLines(state: TrainState, columns: number, colors: Colors): string[] {
  const rows = [progressRow(state, columns, colors), ...figureRows(state, columns, colors)];
  return rows.flatMap((row) => flow(row, columns, colors));
}

function progressRow({ kind, steps, step, metrics, end }: TrainState, columns: number, colors: Colors): Cell[] {
  const failed = end === 'failed';
  const cells: Cell[] = [
    { name: 'train'.padEnd(nameWidth), value: kind },
    { value: `${step}/${steps} steps` },
    { value: `${Math.floor((100 * step) / steps)} %` },
    ...(metrics === undefined ? [] : [{ name: 'epoch ', value: `${metrics.epoch + 1}` }]),
    ...(failed ? [{ value: `failed after step ${step}`, paint: colors.red }] : []),
    ...(end === 'interrupted' ? [{ value: 'interrupted', paint: colors.yellow }] : []),
  ];
  const width = Math.min(longestBar, columns - lengthOf(cells) - 2);
  if (width < shortest) return cells;
  const filled = Math.round((width * step) / steps);
  const paint = (text: string): string =>
    (failed ? colors.red : colors.green)(text.slice(0, filled)) + colors.dim(text.slice(filled));
  return [...cells.slice(0, 1), { value: '━'.repeat(filled) + '─'.repeat(width - filled), paint }, ...cells.slice(1)];
}

function figureRows(state: TrainState, columns: number, colors: Colors): Cell[][] {
  const { metrics, loss, course, validation, boundary, tokenizer, imagesPerSecond, elapsed, left, activity, samples } =
    state;
  const rows: Cell[][] = [];
  const row = (name: string, ...cells: readonly Cell[]): void => {
    const [first, ...others] = cells;
    if (first !== undefined) rows.push([{ ...first, name: name.padEnd(nameWidth) + (first.name ?? '') }, ...others]);
  };
  if (metrics !== undefined) {
    const losses = [
      { value: fixed(loss), paint: colors.bold },
      { name: 'last ', value: fixed(metrics.loss) },
    ];
    const width = Math.min(longestCourse, columns - nameWidth - lengthOf(losses) - 2);
    row('loss', ...losses, ...(width < shortest ? [] : [{ value: sparkline(course, width), paint: colors.cyan }]));
    if (validation !== undefined) {
      const { last, best, bestStep } = validation;
      row(
        'validation',
        { value: fixed(last), paint: colors.bold },
        { name: 'best ', value: `${fixed(best)} at step ${bestStep}` },
      );
    }
    if (boundary !== undefined) row('boundary', ...boundaryCells(boundary, colors));
    if (tokenizer !== undefined) for (const [name, cells] of tokenizerRows(tokenizer, colors)) row(name, ...cells);
    row(
      'gradient',
      { value: figure(metrics.gradientNorm) },
      { name: 'learning rate ', value: figure(metrics.learningRate) },
    );
    const patches =
      metrics.meanPatchLength === 1
        ? []
        : [{ name: 'patches of ', value: `${metrics.meanPatchLength.toFixed(2)} tokens` }];
    const waiting = tokenizer ? [{ name: 'waiting for pictures ', value: percent(tokenizer.waitShare) }] : [];
    row('speed', { value: `${figure(imagesPerSecond)} images/s` }, ...patches, ...waiting);
  }
  row(
    'time',
    { value: formatSeconds(elapsed) },
    ...(left === undefined || state.end !== 'running'
      ? []
      : [{ value: `${formatSeconds(left)} left`, paint: colors.bold }]),
    ...(activity === undefined ? [] : [{ value: activity, paint: colors.yellow }]),
  );
  if (samples !== undefined) row('samples', { value: samples });
  return rows;
}

function boundaryCells({ loss, validation }: BoundaryState, colors: Colors): Cell[] {
  const cells: Cell[] = [{ value: `${fixed(loss)} nats²`, paint: colors.bold }];
  if (validation === undefined) return cells;
  const { correlation, agreement } = validation;
  return [
    ...cells,
    { name: 'validation ', value: fixed(validation.loss) },
    { name: 'correlation ', value: correlation.toFixed(3) },
    { name: 'agreement ', value: percent(agreement) },
  ];
}

function tokenizerRows(state: TokenizerState, colors: Colors): [name: string, cells: Cell[]][] {
  const { terms, codesInUse, codebookSize, revivedCodes, validation } = state;
  const rows: [string, Cell[]][] = [
    ['terms', terms.map(([name, mean]) => ({ name: `${name} `, value: figure(mean) }))],
    [
      'codes',
      [
        { value: `${codesInUse} of ${codebookSize} in use` },
        ...(revivedCodes > 0 ? [{ name: 'revived ', value: `${revivedCodes}` }] : []),
      ],
    ],
  ];
  if (validation === undefined) return rows;
  const { psnr, ssim, codesInUse: found, fid, images } = validation;
  const pictures: Cell[] = [
    { name: 'PSNR ', value: `${psnr.toFixed(2)} dB`, paint: colors.bold },
    ...(Number.isNaN(ssim) ? [] : [{ name: 'SSIM ', value: ssim.toFixed(3) }]),
    ...(fid === undefined ? [] : [{ name: 'rFID ', value: `${figure(fid)} (N = ${images})` }]),
    { name: 'codes ', value: `${found}` },
  ];
  return [['pictures', pictures], ...rows];
}

const fixed = (loss: number): string => loss.toFixed(4);

/** A share in percent: `91.6 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Length of cells on one line, with two spaces between them. */
function lengthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + textOf(cell).length + 2, -2);
}

const textOf = ({ name = '', value }: Cell): string => name + value;

/** Arranges cells in lines. A cell that is longer than a line is cut. */
function flow(cells: readonly Cell[], columns: number, colors: Colors): string[] {
  const lines: { length: number; text: string }[] = [];
  for (const cell of cells) {
    const last = lines.at(-1);
    const length = textOf(cell).length;
    if (last !== undefined && last.length + 2 + length <= columns) {
      last.text += `  ${painted(cell, length, colors)}`;
      last.length += 2 + length;
    } else {
      const indent = last === undefined ? 0 : Math.min(2, columns - 1);
      const room = columns - indent;
      lines.push({ length: indent + Math.min(length, room), text: ' '.repeat(indent) + painted(cell, room, colors) });
    }
  }
  return lines.map(({ text }) => text);
}

/** A cell of at most `room` characters. */
function painted({ name = '', value, paint = (text) => text }: Cell, room: number, colors: Colors): string {
  const shownName = name.slice(0, room);
  const rest = room - shownName.length;
  const shownValue = value.length > rest ? `${value.slice(0, Math.max(0, rest - 1))}${rest > 0 ? '…' : ''}` : value;
  return (shownName && colors.dim(shownName)) + paint(shownValue);
}
