import { checkArguments } from './check-arguments.js';
import { argumentKinds, described, type Fields, numberAbove, numberIn, optional, wholeNumber } from './config.js';

/** Configuration of a decoder-only transformer over the tokens of an image, such as LlamaGen and the entropy model. */
export interface GptConfig {
  /** Width D. */
  readonly dim: number;
  /** Number of blocks. */
  readonly nLayer: number;
  /** Number of heads H. */
  readonly nHead: number;
  /** The feed-forward width is a multiple of this. */
  readonly multipleOf: number;
  /** Vocabulary size V. */
  readonly vocabSize: number;
  /** Tokens T of an image: a square grid of rows and columns. */
  readonly blockSize: number;
  /** Number of classes. Class `numClasses` is the null class of guidance, if there is one. */
  readonly numClasses: number;
  /** LlamaGen's probability of the null class in training. A model with 0 has no null class. Default: it has one. */
  readonly classDropoutProb?: number | undefined;
  /** Base of the rotary frequencies; the paper's is 10000. */
  readonly ropeBase: number;
  /** Epsilon of RMSNorm. */
  readonly normEps: number;
  /** Class tokens before the grid: 1, or 0 for an unconditional model. Their rotary angles are (0, 0). */
  readonly clsTokenNum: number;
}

/** Settings that all blocks of a transformer share. */
export type StackConfig = Pick<GptConfig, 'dim' | 'nHead' | 'multipleOf' | 'normEps'>;

/** Settings that the rotary table of a token grid depends on. */
export type GridConfig = Pick<GptConfig, 'dim' | 'nHead' | 'blockSize' | 'ropeBase' | 'clsTokenNum'>;

/** Keys that the configurations of all transformers over image tokens share. */
export const gptFields: Fields<Omit<GptConfig, 'clsTokenNum'>> = {
  dim: described('Width D', wholeNumber(1)),
  nLayer: described('Transformer blocks (DPAR: of the global transformer)', wholeNumber(1)),
  nHead: described('Attention heads H', wholeNumber(1)),
  multipleOf: described('Divisor of the feed-forward width', wholeNumber(1, 256)),
  vocabSize: described('Vocabulary V of the tokenizer', wholeNumber(1, 16384)),
  blockSize: described('Tokens per image T, a square number', wholeNumber(1, 256)),
  numClasses: described('Number of classes', wholeNumber(1, 1000)),
  classDropoutProb: optional(numberIn(0, 1)),
  ropeBase: described('Base of the rotary frequencies', numberAbove(0, 10000)),
  normEps: described('Epsilon of RMSNorm', numberAbove(0, 1e-5)),
};

/** Kinds of a {@link GptConfig} that may have other keys. */
export const gptConfigKinds = { ...argumentKinds(gptFields), clsTokenNum: 'number', '*': 'any' };

const { dim, nHead, multipleOf, normEps, blockSize, ropeBase, numClasses, classDropoutProb } = gptFields;

/** Kinds of a {@link StackConfig} that may have other keys. */
export const stackConfigKinds = { ...argumentKinds({ dim, nHead, multipleOf, normEps }), '*': 'any' };

/** Kinds of a {@link GridConfig} that may have other keys. */
export const gridConfigKinds = {
  ...argumentKinds({ dim, nHead, blockSize, ropeBase }),
  clsTokenNum: 'number',
  '*': 'any',
};

/** Kinds of the class settings of a configuration that may have other keys. */
export const classConfigKinds = { ...argumentKinds({ numClasses, classDropoutProb }), '*': 'any' };

/** True for a model with a null class, which guidance needs. */
export function hasNullClass(config: Pick<GptConfig, 'classDropoutProb'>): boolean {
  checkArguments('hasNullClass', { config }, { config: { 'classDropoutProb?': 'number', '*': 'any' } });
  return config.classDropoutProb !== 0;
}

/** Rows of the table of class embeddings: one for each class, then that of the null class, if there is one. */
export function classRows(config: Pick<GptConfig, 'numClasses' | 'classDropoutProb'>): number {
  checkArguments('classRows', { config }, { config: classConfigKinds });
  return config.numClasses + (hasNullClass(config) ? 1 : 0);
}
