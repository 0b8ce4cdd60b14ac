/** Rates of ONNX Runtime in float32 on 2 cores of an idle AMD EPYC with AVX-512; sampling was measured with other load. */
export const measured = {
  /** VQ-16 at 256 pixels. */
  encodedImagesPerSecond: 2.42,
  decodedImagesPerSecond: 1.32,
  /** DPAR-B at 256 pixels in batches of 16 with classifier-free guidance. int8 weights reach 362. */
  sampledTokensPerSecond: 268,
  /** Sequences of 256 tokens in batches of 16, of the entropy models GPT-B (110 M parameters) and T (37 M). */
  entropiesPerSecond: { B: 2.99, T: 5.03 },
  /** Upper end of the speed of matrix products, which is 260 to 350 GFLOP/s. */
  matrixProductFlops: 350e9,
} as const;

/** A GPU, with the assumed share of its peak. */
export interface Processor {
  readonly name: string;
  /** Published floating-point operations per second of dense matrix products in TF32. */
  readonly peakFlops: number;
  readonly utilisation: {
    /** Share in passes over whole images or sequences in large batches. */
    readonly passes: number;
    /** Share in sampling token by token, which mostly waits for memory and kernel launches. */
    readonly sampling: number;
  };
}

const utilisation = { passes: 0.3, sampling: 0.03 } as const;

/** Estimated: no GPU was measured. */
export const processors: readonly Processor[] = [
  { name: 'A100', peakFlops: 156e12, utilisation },
  { name: 'H100 SXM', peakFlops: 494.7e12, utilisation },
];
