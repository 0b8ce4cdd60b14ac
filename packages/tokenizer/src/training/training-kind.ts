import type { HostTensor, HostTensorOf, Ops, Tensors } from '@dpar/tensor';
import type { CodeGrid } from '../codes.js';

/** Codes of a batch of images, as a decoder reads them in training. */
export interface Quantized<T> {
  /** int32 [B, T], raster order. */
  readonly codes: T;
  /**
   * Rows of the codebook, [B, T, D]. Gradients pass from here to the states that they stand for, as if nothing had been looked
   * up (straight-through estimator).
   */
  readonly states: T;
  readonly grid: CodeGrid;
}

/** Parts of a kind of tokenizer that its training needs. C is its configuration. */
export interface TokenizerTraining<C> {
  /** Name of the codebook among the parameters, [K, D]. */
  readonly codebook: string;
  /** Name of the weight of the decoder's last layer, at which two losses are balanced. */
  readonly lastWeight: string;
  /**
   * True if states do not depend on parameters, as with pixels. The codebook is then fitted to many states before the first
   * step; otherwise it starts with some of the first batch.
   */
  readonly hasFixedStates: boolean;
  /** States of images [B, 3, H, W] as they are compared with codes: [B, T, D]. */
  states<T>(ops: Ops<T>, config: C, parameters: Tensors<T>, images: T): T;
  /** Codes as states are compared with them: [K, D]. */
  codes<T>(ops: Ops<T>, config: C, parameters: Tensors<T>): T;
  /** The decoder up to its last layers. */
  features<T>(ops: Ops<T>, config: C, parameters: Tensors<T>, quantized: Quantized<T>): Tensors<T>;
  /** The last layers of the decoder: images [B, 3, H, W]. */
  output<T>(ops: Ops<T>, config: C, parameters: Tensors<T>, features: Tensors<T>, grid: CodeGrid): T;
  /** Parameters that follow from a first codebook [K, D]: itself, and others that start with its values. */
  startWith(codebook: HostTensorOf<'float32'>): Record<string, HostTensor>;
}
