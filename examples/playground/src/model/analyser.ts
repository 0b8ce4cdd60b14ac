import type { EmojiModel } from '@dpar/emoji';
import { entropyModel } from '@dpar/entropy';
import { type Engine, type HostTensorOf, int32, named } from '@dpar/tensor';
import { bytesFromImages, createTokenizer, type ImageTokenizer, imagesFromBytes } from '@dpar/tokenizer';

/** The models that analyse images. */
export type Analysts = Pick<EmojiModel, 'tokenizer' | 'entropy'>;

/** Tokens and entropies of an image of T tokens. */
export interface Analysis {
  /** int32 [T] */
  readonly tokens: Int32Array;
  /** Nats, [T - 1]: entry j is the entropy of predicting token j + 1. */
  readonly entropies: Float32Array;
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

/** Creates an analyser from a tokenizer and an entropy model. */
export function createAnalyser(engine: Engine, { tokenizer: vq, entropy }: Analysts): Analyser {
  const tokenizer: ImageTokenizer = createTokenizer(engine, vq);
  const entropies = engine.compile(
    (ops, inputs) => ({
      entropies: entropyModel(ops, entropy.config, inputs, named(inputs, 'tokens')).entropies,
    }),
    { constants: entropy.parameters },
  );
  const decode = async (tokens: Int32Array): Promise<Uint8Array<ArrayBuffer>> =>
    bytesFromImages(await tokenizer.decode(int32([1, tokens.length], tokens)));
  return {
    decode,
    async analyse(pixels) {
      const { data: tokens } = await tokenizer.encode(imagesFromBytes(pixels, tokenizer.imageSize));
      const outputs = await entropies.run({ tokens: int32([1, tokens.length], tokens) });
      const { data } = named(outputs, 'entropies') as HostTensorOf<'float32'>;
      return { tokens, entropies: data };
    },
    async dispose() {
      await Promise.all([tokenizer.dispose(), entropies.dispose()]);
    },
  };
}
