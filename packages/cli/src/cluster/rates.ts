/**
 * Measured with ONNX Runtime on 2 cores of an AMD EPYC with AVX-512 (bare matrix products: 260 to 350 GFLOP/s), float32, with
 * nothing else to do (sampling: with busy neighbours).
 */
export const measured = {
  /** VQ-16 at 256 pixels. */
  encodedImagesPerSecond: 2.42,
  decodedImagesPerSecond: 1.32,
  /** DPAR-B at 256 pixels, 16 images at a time, with classifier-free guidance; 362 with int8 weights. */
  sampledTokensPerSecond: 268,
  /**
   * Sequences of 256 tokens, 16 at a time, by the entropy models GPT-B (110 M parameters) and T (37 M; 29 M without the token
   * table).
   */
  entropiesPerSecond: { B: 2.99, T: 5.03 },
  /** The upper end of bare matrix products. */
  matrixProductFlops: 350e9,
} as const;

/** A GPU, with the share of its peak that work is taken to reach. */
export interface Processor {
  readonly name: string;
  /** Floating-point operations a second of dense matrix products in TF32, as the maker publishes it. */
  readonly peakFlops: number;
  readonly utilisation: {
    /** Passes over whole images or sequences in large batches. */
    readonly passes: number;
    /** Token after token, which waits for memory and launches more than for arithmetic. */
    readonly sampling: number;
  };
}

const utilisation = { passes: 0.3, sampling: 0.03 } as const;

/** Not measured: there was no GPU. */
export const processors: readonly Processor[] = [
  { name: 'A100', peakFlops: 156e12, utilisation },
  { name: 'H100 SXM', peakFlops: 494.7e12, utilisation },
];
