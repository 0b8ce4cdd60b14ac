import type { EntropyModelConfig } from '@dpar/entropy';
import type { LlamaGenConfig } from '@dpar/model';
import {
  classNumbers,
  type DescribedGraph,
  embedding,
  entropyOfLogits,
  type GptConfig,
  gptStep,
  integers,
  type Model,
} from '@dpar/nn';
import { named, type Ops, type Tensors } from '@dpar/tensor';
import { type CacheShape, cacheInputs, cacheOutputs, cachesOf, gridAngles, presentCaches } from './cached-step.js';

const cacheOf = ({ nLayer, nHead, dim }: GptConfig): CacheShape => ({
  layers: nLayer,
  heads: nHead,
  headDim: dim / nHead,
});

/** Runs one step of a GPT: logits [R, V] and caches. */
function step<T>(ops: Ops<T>, config: GptConfig, inputs: Tensors<T>, x: T): { logits: T; caches: Record<string, T> } {
  const angles = gridAngles(ops, config, named(inputs, 'positions'));
  const known = cachesOf(ops, inputs, cacheOf(config), angles);
  const { logits, ...added } = gptStep(ops, config, inputs, { ...known, x });
  return { logits, caches: presentCaches(ops, known, added) };
}

/** Graph `entropy_step`: one position of an entropy model. */
export function entropyStepGraph({ kind, config, parameters }: Model<EntropyModelConfig>): DescribedGraph {
  const { blockSize, vocabSize } = config;
  return {
    name: 'entropy_step',
    description: 'Entropy model of DPAR: reads one token of each row and gives the entropy of the next one.',
    parameters,
    config: kind.writeConfig(config),
    inputs: {
      tokens: integers(['batch'], 'the newest token of each row'),
      ...cacheInputs(cacheOf(config), blockSize),
    },
    outputs: {
      entropies: '[batch]: entropy of the prediction of the next token, nats',
      logits: `[batch, ${vocabSize}]: the prediction`,
      ...cacheOutputs(cacheOf(config)),
    },
    fn: (ops, x) => {
      const embedded = embedding(ops, named(x, 'tok_embeddings.weight'), named(x, 'tokens'));
      const { logits, caches } = step(ops, config, x, embedded);
      return { entropies: entropyOfLogits(ops, logits), logits, ...caches };
    },
  };
}

/** Graph `model_step`: one position of LlamaGen. */
export function llamaGenStepGraph({ kind, config, parameters }: Model<LlamaGenConfig>): DescribedGraph {
  const { blockSize, vocabSize } = config;
  return {
    name: 'model_step',
    description: 'LlamaGen: reads the class, then one token of each row at a time, and predicts the next token.',
    parameters,
    config: kind.writeConfig(config),
    inputs: {
      labels: integers(['batch'], `${classNumbers(config)}; read at position 0`),
      tokens: integers(['batch'], 'the newest token of each row; anything (0) at position 0'),
      ...cacheInputs(cacheOf(config), blockSize + 1),
    },
    outputs: { logits: `[batch, ${vocabSize}]: prediction of the next token`, ...cacheOutputs(cacheOf(config)) },
    fn: (ops, x) => {
      const isFirst = ops.reshape(ops.equal(named(x, 'positions'), ops.scalar(0, 'int32')), [-1, 1]);
      const classes = embedding(ops, named(x, 'cls_embedding.embedding_table.weight'), named(x, 'labels'));
      const tokens = embedding(ops, named(x, 'tok_embeddings.weight'), named(x, 'tokens'));
      const { logits, caches } = step(ops, config, x, ops.select(isFirst, classes, tokens));
      return { logits, ...caches };
    },
  };
}
