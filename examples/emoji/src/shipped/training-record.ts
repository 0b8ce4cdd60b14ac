/** A figure of the trained weights (float32), and of those that are shipped, which are rounded. */
export interface BeforeAndAfter {
  readonly float32: number;
  readonly shipped: number;
}

/** How one model came about. */
export interface ModelRecord {
  readonly parameters: number;
  /** Optimizer steps until these weights. */
  readonly steps: number;
  /** Steps times the median time of one, so without validation. The tokenizer's, some minutes, are not recorded. */
  readonly hours?: number;
}

/** What `model/training.json` of `@dpar/emoji` says. Losses are nats per token over the validation images. */
export interface TrainingRecord {
  readonly command: string;
  readonly seed: number;
  readonly machine: string;
  readonly images: { readonly train: number; readonly variants: number; readonly validation: number };
  readonly tokenizer: ModelRecord & { readonly codes: number; readonly psnr: BeforeAndAfter };
  readonly entropy: ModelRecord & { readonly loss: BeforeAndAfter };
  readonly dpar: ModelRecord & {
    readonly loss: BeforeAndAfter;
    /** Tokens per patch of the validation images. */
    readonly mean_patch_length: BeforeAndAfter;
    /** Nats. */
    readonly threshold: number | null;
  };
  readonly llamagen: ModelRecord & { readonly loss: BeforeAndAfter };
}
