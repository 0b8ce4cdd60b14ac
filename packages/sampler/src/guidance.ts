import { DparError } from '@dpar/tensor';

/** Strength of classifier-free guidance, by position. T tokens an image. */
export interface GuidanceOptions {
  /** Scale s of guidance. The default 1 runs no second row per image. */
  readonly guidanceScale?: number;
  /**
   * Scale at position i, with t = i / (T - 1): `constant` (default) s, `linear` 1 + (s - 1) t, `cosine`
   * 1 + (s - 1) (1 - cos(pi t)) / 2.
   */
  readonly guidanceSchedule?: 'constant' | 'linear' | 'cosine';
  /** Guided positions [first, end) in tokens. The scale is 1 elsewhere. Default: all. */
  readonly guidanceInterval?: readonly [number, number];
}

/** @throws DparError naming the option that is wrong. */
export function checkGuidance(options: GuidanceOptions): void {
  const { guidanceScale = 1, guidanceSchedule = 'constant', guidanceInterval = [0, 1] } = options;
  if (!Number.isFinite(guidanceScale)) {
    throw new DparError(
      `sample: expected a guidance scale that is a number, got ${guidanceScale}. Correct guidanceScale.`,
    );
  }
  if (!['constant', 'linear', 'cosine'].includes(guidanceSchedule)) {
    throw new DparError(
      `sample: expected a guidance schedule constant, linear or cosine, got ${guidanceSchedule}. Choose one.`,
    );
  }
  const [first, end] = guidanceInterval;
  if (!(Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first <= end)) {
    throw new DparError(
      `sample: expected a guidance interval of positions 0 <= first <= end, got ${first} to ${end}. Correct it.`,
    );
  }
}

/** True if null rows are run. */
export function isGuided({ guidanceScale = 1 }: GuidanceOptions): boolean {
  return guidanceScale !== 1;
}

/** Scale of guidance at a position. */
export function guidanceAt(options: GuidanceOptions, position: number, positions: number): number {
  const {
    guidanceScale: s = 1,
    guidanceSchedule = 'constant',
    guidanceInterval: [first, end] = [0, positions],
  } = options;
  if (position < first || position >= end) return 1;
  const t = position / Math.max(1, positions - 1);
  switch (guidanceSchedule) {
    case 'constant':
      return s;
    case 'linear':
      return 1 + (s - 1) * t;
    case 'cosine':
      return 1 + ((s - 1) * (1 - Math.cos(Math.PI * t))) / 2;
  }
}
