import type { Engine } from '@dpar/tensor';
import { int32 } from '@dpar/tensor';
import { bytesFromImages, createTokenizer, type ImageTokenizer, imagesFromBytes } from '@dpar/tokenizer';
import { createEntropyPredictor, type PredictorModel } from './entropy-predictor.js';
import { drawingSource } from './entropy-source.js';
import type { Models, OpenModel } from './open-model.js';

/** The models that analyse images. */
export interface Analysts {
  readonly tokenizer: Models['tokenizer'];
  /** Predicts the entropies that DPAR draws with. */
  readonly predictor: PredictorModel;
}

/** Tokens and entropies of an image of T tokens. */
export interface Analysis {
  /** int32 [T] */
  readonly tokens: Int32Array;
  /** Entropies that DPAR draws with. Nats, [T - 1]: entry j is the entropy of predicting token j + 1. */
  readonly entropies: Float32Array;
  /** Entropies of the entropy model, if a boundary head is compared with it. */
  readonly reference?: Reference | undefined;
}

/** Entropies of the entropy model beside those of a boundary head. */
export interface Reference {
  /** Nats, [T - 1] */
  readonly entropies: Float32Array;
  /** Pearson's correlation with those of the head; NaN if those of a model are constant. */
  readonly correlation: number;
}

/** Analyser of images of S x S pixels and T tokens. */
export interface Analyser {
  /** @param pixels [S, S, 3], 0..255 */
  analyse(pixels: Uint8Array): Promise<Analysis>;
  /**
   * The image of tokens, [S, S, 3].
   * @param tokens [T]
   */
  decode(tokens: Int32Array): Promise<Uint8Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

/** Loads the models that analyse images: of DPAR and the entropy model, only the one that predicts entropies. */
export async function loadAnalysts({
  configs,
  load,
}: Pick<OpenModel, 'load'> & { readonly configs: Pick<OpenModel['configs'], 'dpar'> }): Promise<Analysts> {
  const name = drawingSource(configs.dpar) === 'head' ? 'dpar' : 'entropy';
  const [tokenizer, predictor] = await Promise.all([load('tokenizer'), load(name)]);
  return { tokenizer, predictor };
}

/** Creates an analyser from a tokenizer and a model that predicts entropies. */
export function createAnalyser(engine: Engine, { tokenizer: vq, predictor: model }: Analysts): Analyser {
  const tokenizer: ImageTokenizer = createTokenizer(engine, vq);
  const predictor = createEntropyPredictor(engine, model);
  const decode = async (tokens: Int32Array): Promise<Uint8Array<ArrayBuffer>> =>
    bytesFromImages(await tokenizer.decode(int32([1, tokens.length], tokens)));
  return {
    decode,
    async analyse(pixels) {
      const { data: tokens } = await tokenizer.encode(imagesFromBytes(pixels, tokenizer.imageSize));
      return { tokens, entropies: await predictor.entropies(tokens) };
    },
    async dispose() {
      await Promise.all([tokenizer.dispose(), predictor.dispose()]);
    },
  };
}
