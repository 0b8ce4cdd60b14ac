import {
  type BoundaryHeadConfig,
  boundaryStep,
  type DparConfig,
  decoderStep,
  encoderStep,
  globalStep,
  patchAngles,
  patchEmbedding,
  patchSlots,
} from '@dpar/model';
import { classNumbers, type DescribedGraph, embedding, floats, integers, type Model } from '@dpar/nn';
import { named, type Ops, type Tensors } from '@dpar/tensor';
import { cacheInputs, cacheOutputs, cachesOf, gridAngles, presentCaches } from './cached-step.js';

type Common = Pick<DescribedGraph, 'parameters' | 'config'>;

const shapeOfCaches = ({ dim, nHead }: DparConfig, layers: number) => ({ layers, heads: nHead, headDim: dim / nHead });

/** Graphs of the three steps of DPAR: `decoder_step` predicts a token, `encoder_step` reads it, `global_step` reads patches. */
export function dparStepGraphs({ kind, config, parameters }: Model<DparConfig>): DescribedGraph[] {
  const common = { parameters, config: kind.writeConfig(config) };
  return [encoder(config, common), globalTransformer(config, common), decoder(config, common)];
}

function encoder(config: DparConfig, common: Common): DescribedGraph {
  const { dim: D, nLocalEncoderLayers: E, blockSize, boundaryHead } = config;
  const P = patchSlots(config);
  const caches = shapeOfCaches(config, E);
  const kept = boundaryHead && keptStates(boundaryHead);
  return {
    ...common,
    name: 'encoder_step',
    description:
      'Local encoder of DPAR: reads one token of each row.' +
      (boundaryHead ? ' Its boundary head predicts the entropy of the next one, in place of an entropy model.' : ''),
    inputs: {
      tokens: integers(['batch'], 'the newest token of each row'),
      slots: integers(['batch'], 'place of the token in its patch: 0 if it starts one'),
      patch_states: floats(
        ['batch', E, P, D],
        'states of the tokens of the open patch after each layer: zeros at first, then present_patch_states',
      ),
      ...(kept && {
        recent_states: floats(
          ['batch', kept, D],
          `states of the last ${kept} tokens, oldest first: zeros at first, then present_recent_states`,
        ),
      }),
      ...cacheInputs(caches, blockSize),
    },
    outputs: {
      ...(kept && {
        entropies: '[batch]: entropy of the next token, nats, from the boundary head; undefined after the last',
      }),
      state: `[batch, ${D}]: state of the token, which decoder_step reads next`,
      present_patch_states: `[batch, ${E}, ${P}, ${D}]: patch_states with the token in its slot, for encoder_step and global_step`,
      ...(kept && { present_recent_states: `[batch, ${kept}, ${D}]: recent_states with the token, for the next step` }),
      ...cacheOutputs(caches),
    },
    fn: (ops, x) => {
      const [positions, slots, before] = [named(x, 'positions'), named(x, 'slots'), named(x, 'patch_states')];
      const [R = 0] = ops.shapeOf(positions);
      const angles = gridAngles(ops, { ...config, clsTokenNum: 0 }, positions);
      const first = config.encoderBlockCausal ? ops.sub(positions, slots) : undefined;
      const known = cachesOf(ops, x, caches, angles, first);
      const embedded = embedding(ops, named(x, 'tok_embeddings.weight'), named(x, 'tokens'));
      const { states, ...added } = encoderStep(ops, config, x, { ...known, x: embedded });
      const layers = ops.concat(
        states.map((state) => ops.reshape(state, [R, 1, 1, D])),
        1,
      ); // [R, E, 1, D]
      const here = ops.equal(ops.reshape(ops.range(P), [1, 1, P, 1]), ops.reshape(slots, [R, 1, 1, 1]));
      const state = states.at(-1) as (typeof states)[number];
      return {
        ...(boundaryHead && headOutputs(ops, { ...config, boundaryHead }, x, state)),
        state,
        present_patch_states: ops.select(here, layers, before),
        ...presentCaches(ops, known, added),
      };
    },
  };
}

/** Number of tokens whose states the boundary head reads: those up to its farthest neighbour. */
const keptStates = ({ neighbours }: BoundaryHeadConfig): number => Math.max(...neighbours);

/** Entropies of the next tokens, and the states that predict the ones after them. @param state State [R, D] of the newest token. */
function headOutputs<T>(
  ops: Ops<T>,
  config: DparConfig & { readonly boundaryHead: BoundaryHeadConfig },
  inputs: Tensors<T>,
  state: T,
): Record<string, T> {
  const { dim: D, blockSize, boundaryHead } = config;
  const kept = keptStates(boundaryHead);
  const [R = 0] = ops.shapeOf(state);
  const longer = ops.concat([named(inputs, 'recent_states'), ops.reshape(state, [R, 1, D])], 1);
  const recent = ops.slice(longer, 1, 1, kept);
  const read = boundaryHead.neighbours.map((distance) => ops.reshape(ops.slice(recent, 1, kept - distance, 1), [R, D]));
  // No token follows the last one; the head has no position for it.
  const positions = ops.minimum(named(inputs, 'positions'), blockSize - 2);
  return {
    entropies: boundaryStep(ops, config, inputs, ops.concat(read, 1), positions),
    present_recent_states: recent,
  };
}

function globalTransformer(config: DparConfig, common: Common): DescribedGraph {
  const { dim: D, nHead, nLayer, nLocalEncoderLayers: E, nLocalDecoderLayers: layers, blockSize } = config;
  const P = patchSlots(config);
  const caches = shapeOfCaches(config, nLayer);
  const headDim = D / nHead;
  return {
    ...common,
    name: 'global_step',
    description:
      'Global transformer of DPAR: reads the class of each row first, then a patch of those rows whose patch is finished.',
    inputs: {
      labels: integers(['batch'], `${classNumbers(config)}; read at position 0`),
      active: {
        dtype: 'bool',
        shape: ['batch'],
        meaning: 'rows whose patch is finished (all of them at position 0); nothing changes for the others',
      },
      patch_states: floats(['batch', E, P, D], 'present_patch_states of encoder_step; zeros at position 0'),
      patch_starts: integers(['batch'], 'number of the first token of the patch; 0 at position 0'),
      patch_lengths: integers(['batch'], `tokens in the patch, 1 to ${P}; 1 at position 0`),
      contexts: floats(['batch', layers, D], 'zeros at first, then present_contexts of the step before'),
      ...cacheInputs(caches, blockSize + 1),
    },
    outputs: {
      present_contexts: `[batch, ${layers}, ${D}]: contexts of the rows, for decoder_step`,
      ...cacheOutputs(caches),
    },
    fn: (ops, x) => {
      const [positions, starts, lengths] = [named(x, 'positions'), named(x, 'patch_starts'), named(x, 'patch_lengths')];
      const [R = 0] = ops.shapeOf(positions);
      const isClass = ops.reshape(ops.equal(positions, ops.scalar(0, 'int32')), [R, 1]);
      // The class position has the angles (0, 0).
      const places = {
        index: ops.maximum(ops.sub(positions, 1), 0),
        first: starts,
        last: ops.maximum(ops.sub(ops.add(starts, lengths), 1), 0),
      };
      const scaled = ops.mul(patchAngles(ops, config, places), headDim ** -0.25);
      const known = cachesOf(ops, x, caches, ops.select(isClass, 0, scaled));
      const within = ops.less(ops.reshape(ops.range(P), [1, 1, P]), ops.reshape(lengths, [R, 1, 1]));
      const states = ops
        .split(named(x, 'patch_states'), 1, new Array<number>(E).fill(1))
        .map((state) => ops.reshape(state, [R, P, D]));
      const patches = patchEmbedding(ops, config, x, states, within);
      const classes = embedding(ops, named(x, 'cls_embedding.embedding_table.weight'), named(x, 'labels'));
      const step = { ...known, x: ops.select(isClass, classes, patches) };
      const { contexts, ...added } = globalStep(ops, config, x, step);
      const active = named(x, 'active');
      const computed = ops.reshape(ops.concat(contexts, 1), [R, layers, D]);
      return {
        present_contexts: ops.select(ops.reshape(active, [R, 1, 1]), computed, named(x, 'contexts')),
        ...presentCaches(ops, known, added, active),
      };
    },
  };
}

function decoder(config: DparConfig, common: Common): DescribedGraph {
  const { dim: D, nLocalDecoderLayers: layers, vocabSize, blockSize } = config;
  const caches = shapeOfCaches(config, layers);
  return {
    ...common,
    name: 'decoder_step',
    description: 'Local decoder of DPAR: predicts the next token of each row.',
    inputs: {
      state: floats(['batch', D], 'state of the token before, from encoder_step; zeros at position 0'),
      contexts: floats(['batch', layers, D], 'present_contexts of global_step'),
      ...cacheInputs(caches, blockSize + 1),
    },
    outputs: {
      logits: `[batch, ${vocabSize}]: prediction of the next token, an end-of-image token left out`,
      ...cacheOutputs(caches),
    },
    fn: (ops, x) => {
      const positions = named(x, 'positions');
      const [R = 0] = ops.shapeOf(positions);
      const known = cachesOf(ops, x, caches, gridAngles(ops, config, positions));
      const isFirst = ops.reshape(ops.equal(positions, ops.scalar(0, 'int32')), [R, 1]);
      const start = named(x, 'decoder_start_embedding.weight'); // [1, D]
      const step = { ...known, x: ops.select(isFirst, start, named(x, 'state')) };
      const contexts = ops
        .split(named(x, 'contexts'), 1, new Array<number>(layers).fill(1))
        .map((context) => ops.reshape(context, [R, D]));
      const { logits, ...added } = decoderStep(ops, config, x, step, contexts);
      return { logits: ops.slice(logits, 1, 0, vocabSize), ...presentCaches(ops, known, added) };
    },
  };
}
