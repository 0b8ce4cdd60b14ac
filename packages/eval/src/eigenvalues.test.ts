import { expect, it } from 'vitest';
import { pivotedCholesky } from './cholesky.js';
import { symmetricEigenvalues } from './eigenvalues.js';
import { rowProducts } from './matrix.js';
import { gaussian } from './testing/gaussian.js';

const sorted = (values: Float64Array): number[] => [...values].sort((a, b) => a - b);

it.each([1, 2, 3, 8, 9, 40, 101])('finds the eigenvalues of the second difference of %i points', (n) => {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    matrix[i * n + i] = 2;
    if (i > 0) matrix[i * n + i - 1] = matrix[(i - 1) * n + i] = -1;
  }
  sorted(symmetricEigenvalues(matrix, n)).forEach((value, i) => {
    expect(value).toBeCloseTo(2 - 2 * Math.cos((Math.PI * (i + 1)) / (n + 1)), 12);
  });
});

it.each([2, 7, 16, 33])('finds those of a reflected diagonal of %i rows', (n) => {
  // A reflection H = 1 - 2 u u^T turns a diagonal into a full matrix of the same eigenvalues.
  const u = gaussian(1, n, n).data;
  const square = u.reduce((sum, value) => sum + value * value, 0);
  const reflection = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return (i === j ? 1 : 0) - (2 * (u[i] ?? 0) * (u[j] ?? 0)) / square;
  });
  const values = Float64Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1e6 : 1) * (i - 2));
  const scaled = reflection.map((value, at) => value * (values[at % n] ?? 0));
  const full = rowProducts({ data: scaled, rows: n, columns: n }, { data: reflection, rows: n, columns: n });
  const found = sorted(symmetricEigenvalues(full, n));
  sorted(values).forEach((value, i) => {
    expect(Math.abs((found[i] ?? Number.NaN) - value)).toBeLessThan(1e-7);
  });
});

it.each([
  [5, 5],
  [40, 12],
  [64, 64],
])('factors a matrix of %i rows and rank %i', (n, rank) => {
  const half = gaussian(n, rank, 3);
  const matrix = rowProducts(half, half, true);
  const factor = pivotedCholesky(matrix, n);
  expect(factor.rank).toBe(rank);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let c = 0; c < rank; c++) sum += (factor.data[c * n + i] ?? 0) * (factor.data[c * n + j] ?? 0);
      expect(sum).toBeCloseTo(matrix[i * n + j] ?? Number.NaN, 10);
    }
  }
});
