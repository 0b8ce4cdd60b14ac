import { formatValue } from '@dpar/check';
import { DparError } from '../error.js';

/**
 * Natural logarithm of 0 < x <= 1 from additions, multiplications and divisions only. Unlike `Math.log`, it has the same bits
 * in every JavaScript engine. Relative error below 1e-15.
 */
export function portableLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  // log m = 2 atanh s with s = (m - 1) / (m + 1) and |s| <= 0.172. The rest of the series is below half a unit in the last place.
  const s = (mantissa - 1) / (mantissa + 1);
  let series = 0;
  for (let n = 23; n >= 1; n -= 2) series = series * s * s + 1 / n;
  return exponent * Math.LN2 + 2 * s * series;
}

/** a[0] + a[1] x + a[2] x^2 + ... */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + (coefficients[i] ?? 0);
  return sum;
}

/** Numerators and denominators of Wichura's rational approximations for the centre, the tails and the far tails. */
const centre = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852546,
  ],
] as const;
const tail = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const;
const farTail = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const;

function ratio([numerator, denominator]: readonly [readonly number[], readonly number[]], x: number): number {
  return polynomial(numerator, x) / polynomial(denominator, x);
}

/**
 * Quantile of the standard normal distribution: the x below which a share p of it lies, 0 < p < 1. Algorithm AS 241
 * (Wichura, 1988; PPND16), with a relative error of about 1e-15. It uses additions, multiplications, divisions and square
 * roots, which IEEE 754 rounds correctly, so the result has the same bits on every platform.
 *
 * @throws DparError unless p is between 0 and 1, neither included.
 */
export function normalQuantile(p: number): number {
  if (typeof p !== 'number' || !(p > 0 && p < 1)) {
    throw new DparError(`normalQuantile: expected a probability between 0 and 1, got ${formatValue(p)}. Check 'p'.`);
  }

  const fromMiddle = p - 0.5;
  if (Math.abs(fromMiddle) <= 0.425) return fromMiddle * ratio(centre, 0.180625 - fromMiddle * fromMiddle);
  const r = Math.sqrt(-portableLog(fromMiddle < 0 ? p : 1 - p));
  const x = r <= 5 ? ratio(tail, r - 1.6) : ratio(farTail, r - 5);
  return fromMiddle < 0 ? -x : x;
}

/** Share of the standard normal distribution below -cut, to the last bit by bisection of {@link normalQuantile}. */
export function normalShareBelow(cut: number): number {
  let [low, high] = [Number.MIN_VALUE, 0.5];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (normalQuantile(middle) < -cut) low = middle;
    else high = middle;
  }
}
