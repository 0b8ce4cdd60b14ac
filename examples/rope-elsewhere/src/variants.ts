import type { PositionKind } from './vision/positions.js';

/** A transformer of the comparison. */
export interface Variant {
  readonly name: string;
  /** Merges similar neighbouring patches. */
  readonly merged: boolean;
  readonly positions: PositionKind;
}

/** The comparison: the same transformer, the same images. */
export const variants: readonly Variant[] = [
  { name: 'learned positions', merged: false, positions: 'learned' },
  { name: '2D RoPE', merged: false, positions: '2d' },
  { name: 'learned positions', merged: true, positions: 'learned' },
  { name: '2D RoPE', merged: true, positions: '2d' },
  { name: 'Dynamic RoPE', merged: true, positions: 'dynamic_4d' },
];

/** Height and width of pictures in pixels. */
export type Size = readonly [height: number, width: number];

/** Sizes of the comparison. */
export interface Settings {
  readonly seeds: readonly number[];
  /** Pictures to train with. */
  readonly trainPictures: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Pictures of training: a digit anywhere on black. */
  readonly size: Size;
  /** Largest difference of merged patches; see `tokenize`. */
  readonly tolerance: number;
  /** Test pictures of the size of training, and of each other size. */
  readonly testPictures: number;
  readonly otherPictures: number;
  /** Sizes that training has not seen. */
  readonly otherSizes: readonly Size[];
}

export const fullSettings: Settings = {
  seeds: [1, 2, 3],
  trainPictures: 8000,
  steps: 400,
  batchSize: 32,
  learningRate: 0.008,
  size: [28, 40],
  tolerance: 0.05,
  testPictures: 1000,
  otherPictures: 400,
  otherSizes: [
    [28, 112],
    [56, 56],
  ],
};

/** Seconds instead of minutes: shows that all works, not what it gives. */
export const quickSettings: Settings = {
  ...fullSettings,
  seeds: [1, 2],
  trainPictures: 200,
  steps: 4,
  batchSize: 8,
  testPictures: 16,
  otherPictures: 8,
  otherSizes: [[28, 56]],
};
