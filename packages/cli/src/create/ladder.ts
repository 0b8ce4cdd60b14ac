/** Tokens of a patch, on average. The paper has 1.81 at 256 px. */
export const tokensPerPatch = 1.8;

/** A size of all models of a run, with the learning rate that suits it. */
export interface Rung {
  readonly name: string;
  /** Width of DPAR and of LlamaGen. */
  readonly dim: number;
  readonly heads: number;
  /** Layers of DPAR: local encoder, global transformer, local decoder. */
  readonly layers: readonly [encoder: number, global: number, decoder: number];
  /** Layers of a LlamaGen with about as many parameters. */
  readonly llamaGenLayers: number;
  readonly learningRate: number;
  /** Codes of the tokenizer. Fewer codes give coarser pictures, but models learn them sooner. */
  readonly codes: number;
  readonly entropy: {
    readonly dim: number;
    readonly heads: number;
    readonly layers: number;
    readonly learningRate: number;
  };
}

/**
 * Sizes of models, the smallest first. `S` is the size of the demo's models of ten minutes, `L` that of `@dpar/emoji`, whose learning
 * rates were found by trial. Each size has about twice the parameters of the one before. Wider models need lower rates.
 */
export const ladder: readonly Rung[] = [
  //          width, heads, layers of DPAR, of LlamaGen, learning rate, codes;          parameters of DPAR
  rung('XS', 64, 1, [1, 1, 1], 3, 5e-3, 512, { dim: 64, heads: 1, layers: 2, learningRate: 5e-3 }), // 0.3 M
  rung('S', 96, 2, [1, 2, 1], 4, 5e-3, 512, { dim: 64, heads: 1, layers: 2, learningRate: 5e-3 }), // 0.6 M
  rung('M', 128, 2, [1, 3, 2], 6, 3e-3, 1024, { dim: 96, heads: 2, layers: 2, learningRate: 4e-3 }), // 1.6 M
  rung('L', 160, 2, [1, 4, 2], 7, 2e-3, 1024, { dim: 96, heads: 2, layers: 3, learningRate: 3e-3 }), // 2.7 M
  rung('XL', 192, 3, [1, 5, 2], 8, 1.5e-3, 1024, { dim: 128, heads: 2, layers: 3, learningRate: 3e-3 }), // 4.2 M
  rung('XXL', 256, 4, [1, 6, 3], 10, 1e-3, 1024, { dim: 160, heads: 2, layers: 3, learningRate: 2e-3 }), // 9 M
  rung('XXXL', 384, 6, [1, 8, 3], 12, 7e-4, 2048, { dim: 192, heads: 3, layers: 4, learningRate: 1.5e-3 }), // 24 M
];

function rung(
  name: string,
  dim: number,
  heads: number,
  layers: Rung['layers'],
  llamaGenLayers: number,
  learningRate: number,
  codes: number,
  entropy: Rung['entropy'],
): Rung {
  return { name, dim, heads, layers, llamaGenLayers, learningRate, codes, entropy };
}

/** The largest size that is not wider than a model; the smallest for narrower models. Its learning rates suit the model. */
export function rungOfWidth(dim: number): Rung {
  return ladder.findLast((rung) => rung.dim <= dim) ?? (ladder[0] as Rung);
}

/**
 * Tokens that a run should read for each parameter of a model. Twenty would be best for a given amount of computing (Hoffmann et
 * al. 2022, arXiv:2203.15556). The models of `@dpar/emoji` read 7.6. Fewer give a larger model that is not trained enough.
 */
export const tokensPerParameter = 6;

/** Largest number of parameters for each token of the training pictures. Larger models learn the pictures by heart: 3 in `@dpar/emoji`. */
export const parametersPerToken = 3;

/**
 * Visits of each variant of a picture in training. After more, the validation loss of small sets of pictures rises. So a long run with few
 * pictures ends before its time.
 */
export const visitsPerVariant = 60;

/** Shares of the training time of a run. The entropy model only divides pictures into patches, so it gets little. */
export const shares = { tokenizer: 0.25, entropy: 0.12, dpar: 0.63, llamagen: 0.63 } as const;

/** Images of a batch. Small batches give more steps in the same time, but use the processor less well. */
export const batchSize = 16;

/** Time and pictures that a size must suit. */
export interface Budget {
  /** Seconds for the training of DPAR. */
  readonly seconds: number;
  /** Seconds of a training step of a size. */
  readonly stepSeconds: (rung: Rung) => number;
  /** Parameters of DPAR of a size. */
  readonly parameters: (rung: Rung) => number;
  readonly batchSize: number;
  readonly tokensPerImage: number;
  /** Training pictures, without their variants. */
  readonly images: number;
}

/**
 * Chooses the largest size that reads enough tokens in its time and is not too large for the pictures. More time never gives a smaller size.
 */
export function chooseRung({ seconds, stepSeconds, parameters, batchSize, tokensPerImage, images }: Budget): Rung {
  const fits = (rung: Rung): boolean => {
    const tokens = (seconds / stepSeconds(rung)) * batchSize * tokensPerImage;
    const count = parameters(rung);
    return tokens >= tokensPerParameter * count && count <= parametersPerToken * images * tokensPerImage;
  };
  return ladder.findLast(fits) ?? (ladder[0] as Rung);
}
