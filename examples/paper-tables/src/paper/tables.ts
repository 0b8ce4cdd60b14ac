/**
 * Figures of the paper's supplement (DPAR, CVPR 2026, arXiv 2512.21867). Comments name the corrected misprints. The figures
 * of Table S1 are in `@dpar/model` (`tableS1`).
 */

/** Figures of the paper's evaluations: FID of 50,000 images, Inception Score, precision, recall. */
export interface PaperQuality {
  readonly fid: number;
  readonly inceptionScore?: number;
  readonly precision?: number;
  readonly recall?: number;
}

const quality = (fid: number, inceptionScore: number, precision: number, recall: number): PaperQuality => ({
  fid,
  inceptionScore,
  precision,
  recall,
});

/** Table S2: FID of DPAR-L by layers of encoder and decoder. */
export const paperS2 = [
  { name: 'E1D4', encoderLayers: 1, decoderLayers: 4, fid: 3.32 },
  { name: 'E2D3', encoderLayers: 2, decoderLayers: 3, fid: 3.35 },
  { name: 'E3D2', encoderLayers: 3, decoderLayers: 2, fid: 3.51 },
  { name: 'E4D1', encoderLayers: 4, decoderLayers: 1, fid: 3.85 },
] as const;

/** Table S3: FID by positions of patches. */
export const paperS3 = [
  { name: '2D RoPE', embedding: '2d', fid: 3.32 },
  { name: 'Dynamic RoPE without redundancy', embedding: 'dynamic_3d', fid: 3.42 },
  { name: 'Dynamic RoPE', embedding: 'dynamic_4d', fid: 3.31 },
] as const;

/** Table S4: FID of DPAR-B, and correlation of entropy maps, by the data of the entropy model. */
export const paperS4 = [
  { name: 'ImageNet', fid: 3.98, correlation: 1 },
  { name: 'COCO-17 (118K)', fid: 3.96, correlation: 0.85 },
] as const;

/** Table S5: by the size of the entropy model. */
export const paperS5 = [
  { name: '110M', fid: 3.976, correlation: 1 },
  { name: '50M', fid: 3.982, correlation: 0.88 },
] as const;

/** Table S6: FID and 'Train FLOPs' (as Table S1 counts them) of 1.4 billion parameters at 384 px. */
export const paperS6 = { llamaGenFid: 2.34, dparFid: 2.3, reductionPercent: 42.4, parameters: 1.4e9 } as const;

/** Section 1.8: correlation of the size of an image after PNG compression and its number of patches. */
export const paperPngCorrelation = 0.54;

/** A model of Tables S7 and S8 with its printed number of parameters. */
export interface PaperModel {
  readonly model: 'B' | 'L' | 'XL';
  readonly parameters: number;
  readonly rows: readonly ({ readonly epoch: number; readonly guidance: number } & PaperQuality)[];
}

const at = (epoch: number, guidance: number, found: PaperQuality) => ({ epoch, guidance, ...found });

/** Table S7: 256 px (the headings of S7 and S8 read S7's columns; S7 is 256 px, S8 384 px). */
export const paperS7: readonly PaperModel[] = [
  {
    model: 'B',
    parameters: 120e6,
    rows: [
      at(300, 1.75, quality(5.02, 193.99, 0.78, 0.54)),
      at(300, 1.9, quality(4.28, 219.4, 0.81, 0.52)),
      at(300, 2, quality(4.07, 235.39, 0.82, 0.5)),
      at(300, 2.1, quality(3.98, 250.62, 0.83, 0.49)),
    ],
  },
  {
    model: 'L',
    parameters: 352e6,
    rows: [
      at(300, 1.75, quality(3.24, 241.05, 0.79, 0.58)),
      at(300, 1.9, quality(2.93, 269.34, 0.81, 0.56)),
      at(300, 2, quality(2.96, 284.06, 0.82, 0.54)),
      at(300, 2.1, quality(3.03, 298.19, 0.83, 0.54)),
    ],
  },
  {
    model: 'XL',
    parameters: 789e6,
    rows: [
      at(200, 2, quality(2.86, 277.37, 0.82, 0.56)),
      at(300, 1.75, quality(2.82, 249.57, 0.79, 0.6)),
      at(300, 1.9, quality(2.69, 270.3, 0.81, 0.57)),
      at(300, 2, quality(2.67, 281.65, 0.82, 0.56)),
      at(300, 2.1, quality(2.73, 292.07, 0.82, 0.56)),
    ],
  },
];

/** Table S8: 384 px. */
export const paperS8: readonly PaperModel[] = [
  {
    model: 'B',
    parameters: 120e6,
    rows: [
      at(50, 2, quality(5.96, 190.16, 0.79, 0.47)),
      at(100, 2, quality(5.22, 213.44, 0.82, 0.46)),
      at(200, 2, quality(4.74, 230.43, 0.81, 0.48)),
      at(300, 1.75, quality(5.46, 196.58, 0.78, 0.52)),
      at(300, 1.9, quality(4.62, 223.31, 0.81, 0.5)),
      at(300, 2, quality(4.41, 237.38, 0.82, 0.48)),
      at(300, 2.1, quality(4.29, 254.54, 0.83, 0.47)),
    ],
  },
  {
    model: 'L',
    parameters: 352e6,
    rows: [
      at(50, 2, quality(3.43, 285.02, 0.83, 0.52)),
      at(100, 2, quality(3.1, 290.11, 0.82, 0.53)),
      at(200, 2, quality(3.1, 298.13, 0.82, 0.53)),
      at(300, 1.75, quality(3, 256.07, 0.79, 0.58)),
      at(300, 1.9, quality(2.79, 283.84, 0.81, 0.55)),
      at(300, 2, quality(2.84, 299.32, 0.82, 0.55)),
      at(300, 2.1, quality(2.93, 315.02, 0.83, 0.54)),
    ],
  },
  {
    model: 'XL',
    parameters: 789e6,
    rows: [
      at(50, 2, quality(2.98, 289.9, 0.81, 0.55)),
      at(100, 2, quality(2.77, 307.3, 0.82, 0.56)),
      at(200, 2, quality(2.58, 308.11, 0.83, 0.55)),
      at(300, 1.75, quality(2.81, 261.09, 0.79, 0.59)),
      at(300, 1.9, quality(2.6, 285.43, 0.81, 0.57)),
      at(300, 2, quality(2.62, 299.31, 0.82, 0.57)),
      at(300, 2.1, quality(2.68, 314.75, 0.82, 0.56)),
    ],
  },
];

/** A resolution of Table S9. */
export interface PaperResolution {
  readonly pixels: number;
  /** Nats, printed under 'Plen'; the column 'Threshold' holds the longest patch, 4. */
  readonly threshold: number;
  readonly dpar: readonly ({ readonly guidance: number } & PaperQuality)[];
  /** At 256 and 384 px its columns are shifted: what is printed as precision is sFID, recall is missing. */
  readonly llamaGen: readonly ({ readonly guidance: number } & PaperQuality)[];
}

const scaled = (guidance: number, found: PaperQuality) => ({ guidance, ...found });

/** Table S9: DPAR-B and LlamaGen-B by resolution. */
export const paperS9: readonly PaperResolution[] = [
  {
    pixels: 128,
    threshold: 7.6,
    dpar: [
      scaled(1.75, quality(21.41, 74.52, 0.53, 0.59)),
      scaled(1.9, quality(18.48, 88.29, 0.56, 0.57)),
      scaled(2, quality(16.88, 97.23, 0.57, 0.57)),
      scaled(2.1, quality(15.55, 106.41, 0.58, 0.55)),
    ],
    llamaGen: [
      scaled(1.75, quality(24.53, 63.5, 0.51, 0.53)),
      scaled(1.9, quality(22.46, 72.26, 0.53, 0.49)),
      scaled(2, quality(21.56, 78.81, 0.54, 0.49)),
      scaled(2.1, quality(20.75, 84.82, 0.56, 0.47)),
    ],
  },
  {
    pixels: 256,
    threshold: 7.8,
    dpar: [
      scaled(1.75, quality(5.02, 193.99, 0.78, 0.54)),
      scaled(1.9, quality(4.28, 219.4, 0.81, 0.52)),
      scaled(2, quality(4.07, 235.39, 0.82, 0.5)),
      scaled(2.1, quality(3.98, 250.62, 0.83, 0.49)),
    ],
    llamaGen: [scaled(2, { fid: 5.46, inceptionScore: 193.61, precision: 0.84 })],
  },
  {
    pixels: 384,
    threshold: 7.9,
    dpar: [
      scaled(1.75, quality(5.46, 196.58, 0.78, 0.52)),
      scaled(1.9, quality(4.62, 223.31, 0.81, 0.5)),
      scaled(2, quality(4.41, 237.38, 0.82, 0.48)),
      scaled(2.1, quality(4.29, 254.54, 0.83, 0.47)),
    ],
    llamaGen: [scaled(2.25, { fid: 6.09, inceptionScore: 182.54, precision: 0.84 })],
  },
  {
    pixels: 512,
    threshold: 8.1,
    dpar: [
      scaled(1.75, quality(8.2, 165.76, 0.74, 0.52)),
      scaled(1.9, quality(6.69, 190.46, 0.76, 0.51)),
      scaled(2, quality(6.05, 205.51, 0.78, 0.49)),
      scaled(2.1, quality(5.59, 222.18, 0.79, 0.48)),
    ],
    llamaGen: [
      scaled(1.75, quality(10.61, 110.63, 0.76, 0.48)),
      scaled(1.9, quality(9.2, 124.23, 0.78, 0.46)),
      scaled(2, quality(8.44, 133.39, 0.8, 0.44)),
      scaled(2.1, quality(7.97, 142.48, 0.81, 0.42)),
    ],
  },
];
