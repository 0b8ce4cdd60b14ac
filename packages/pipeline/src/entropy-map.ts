import type { KindsOf } from '@dpar/check';
import { heatMap, type Picture, toPng } from '@dpar/report';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { newPixelData, type PixelData } from './pixel-data.js';

/** Content of an {@link EntropyMap} of an image of T tokens. */
export interface EntropyMapContent {
  /** int32 [T] */
  readonly tokens: Int32Array;
  /** [T - 1] */
  readonly entropies: Float32Array;
  /** int32 [M]; undefined for a model without patches. */
  readonly patchLengths: Int32Array | undefined;
  /** Codes of the tokenizer, V. */
  readonly codes: number;
  /** Pixels for each token, in both directions. */
  readonly pixelsPerToken: number;
}

const contentKinds: KindsOf<EntropyMapContent> = {
  tokens: 'Int32Array',
  entropies: 'Float32Array',
  'patchLengths?': 'Int32Array',
  codes: 'number',
  pixelsPerToken: 'number',
};

/** Entropies of the tokens of an image: how uncertain each token is, given those before it. */
export class EntropyMap {
  /** Tokens of the image in raster order: int32 [T]. */
  readonly tokens: Int32Array;
  /** Entropies in nats, float32 [T - 1]: entry j belongs to the prediction of token j + 1. Token 0 has none. */
  readonly entropies: Float32Array;
  /** Lengths of the patches that follow from the entropies. Undefined if the model has no patches of this kind. */
  readonly patchLengths: Int32Array | undefined;
  /** Rows and columns of the grid of tokens. */
  readonly gridSize: number;
  /** Largest possible entropy in nats: ln V of V codes. It is the brightest colour. */
  readonly maximum: number;
  private readonly pixelsPerToken: number;

  constructor(content: EntropyMapContent) {
    checkArguments('EntropyMap', { content }, { content: contentKinds });
    const { tokens, entropies, patchLengths, codes, pixelsPerToken } = content;
    this.tokens = tokens;
    this.entropies = entropies;
    this.patchLengths = patchLengths;
    this.gridSize = Math.sqrt(tokens.length);
    this.maximum = Math.log(codes);
    this.pixelsPerToken = pixelsPerToken;
  }

  /**
   * Draws the entropies as a PNG file, from dark (0) to bright ({@link EntropyMap.maximum}). The first token is grey.
   * @param cell Width and height of a token in pixels. Default: that in the image.
   */
  png(cell = this.pixelsPerToken): Uint8Array {
    checkArguments('EntropyMap.png', { cell }, { 'cell?': 'number' });
    return toPng(this.picture('EntropyMap.png', cell));
  }

  /** Makes the `ImageData` of the same picture as {@link EntropyMap.png}. */
  imageData(cell = this.pixelsPerToken): PixelData {
    checkArguments('EntropyMap.imageData', { cell }, { 'cell?': 'number' });
    const { data, width, height } = this.picture('EntropyMap.imageData', cell);
    return newPixelData(new Uint8ClampedArray(data), width, height);
  }

  private picture(caller: string, cell: number): Picture {
    if (Number.isInteger(cell) && cell >= 1) return heatMap([undefined, ...this.entropies], this.maximum, cell);
    throw new DparError(`${caller}: expected 'cell' to be a whole number >= 1, got ${cell}. Check 'cell'.`);
  }
}
