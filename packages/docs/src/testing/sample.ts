/** A size. */
export interface Size {
  width: number;
  /** Said. */
  offset: number;
  gain: number;
  weights: Float32Array;
}

/** Rows [N, D]. */
export interface Rows {
  data: Float32Array;
}

/** Says it. @throws Error always. */
export function fails(): never {
  throw new Error('fails: expected nothing, got a call.');
}

/** Does not say it. */
export function failsSilently(): never {
  throw new Error('failsSilently: expected nothing, got a call.');
}

/** Does not say it either. */
export function failsThroughAnother(): void {
  hidden();
}

/** Whoever reads this can look up what `fails` throws. */
export function callsAnother(): void {
  fails();
}

/** Catches what it throws. */
export function recovers(): void {
  try {
    throw new Error('recovers');
  } catch {}
}

/** {@link nobody} knows. */
export const bare = (): number => 1;

export const unsaid = 1;

/** @throws Error always. */
function hidden(): never {
  throw new Error('hidden');
}
