import { checkArguments } from './check-arguments.js';
/** Formats a share from 0 to 1: `12.3 %`. @throws ReportError if it is not a number. */
export function percent(share: number): string {
  checkArguments('percent', { share }, { share: 'number | NaN' });
  return `${(100 * share).toFixed(1)} %`;
}

/** Formats a count in millions: `0.59 M`. */
export function millions(count: number): string {
  checkArguments('millions', { count }, { count: 'number | NaN' });
  return `${(count / 1e6).toFixed(2)} M`;
}

/** Formats a number with significant digits: `9.1e-4`, `0.0312`, `52`. A missing number becomes `-`. */
export function figure(value: number | undefined, digits = 3): string {
  checkArguments('figure', { value, digits }, { 'value?': 'number | NaN', 'digits?': 'number' });
  if (value === undefined || Number.isNaN(value)) return '-';
  const size = Math.abs(value);
  if (size >= 10 ** digits || !Number.isFinite(value)) return value.toFixed(0);
  return size !== 0 && size < 1e-3 ? exponential(value, digits) : value.toPrecision(digits);
}

/** Formats `3.00e-4` as `3e-4`. */
const exponential = (value: number, digits: number): string => value.toExponential(digits - 1).replace(/\.?0*e/, 'e');

/** Formats a time: `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  checkArguments('formatSeconds', { seconds }, { seconds: 'number | NaN' });
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
