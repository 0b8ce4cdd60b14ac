import { entropyModel, readEntropyModelConfig } from '@dpar/entropy';
import { dpar, inputsOfLengths, llamaGen, patchSlots, readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { named } from '@dpar/tensor';
import type { LoadedModel } from '../model.js';
import { classNumbers, integers, type OnnxGraph } from './graph.js';

const loss = 'mean cross-entropy over all images and tokens, nats, scalar';
const tokens = (T: number) => integers(['batch', T], 'codes of the images in raster order');

/** The teacher-forced pass of a model as a graph. */
export function teacherForcedGraph({ model, config, parameters }: LoadedModel): OnnxGraph {
  const common = { name: model.kind, parameters, config };
  if (model.kind === 'entropy') {
    const entropy = readEntropyModelConfig(config);
    const { blockSize: T, vocabSize: V } = entropy;
    return {
      ...common,
      description: 'Entropy model of DPAR: one teacher-forced pass.',
      inputs: { tokens: tokens(T) },
      outputs: {
        logits: `[batch, ${T - 1}, ${V}]: position j predicts token j + 1 from tokens 0..j`,
        entropies: `[batch, ${T - 1}]: entropies of these predictions, nats`,
        loss,
      },
      fn: (ops, x) => ({ ...entropyModel(ops, entropy, x, named(x, 'tokens')) }),
    };
  }
  if (model.kind === 'llamagen') {
    const llamagen = readLlamaGenConfig(config);
    const { blockSize: T, vocabSize: V } = llamagen;
    return {
      ...common,
      description: 'LlamaGen (class-conditional): one teacher-forced pass.',
      inputs: { tokens: tokens(T), labels: integers(['batch'], classNumbers(llamagen)) },
      outputs: { logits: `[batch, ${T}, ${V}]: position i predicts token i from the class and tokens 0..i - 1`, loss },
      fn: (ops, x) => ({ ...llamaGen(ops, llamagen, x, named(x, 'tokens'), named(x, 'labels')) }),
    };
  }
  const settings = readDparConfig(config);
  const { blockSize: T, vocabSize, predictEoiToken } = settings;
  const [N, V] = predictEoiToken ? [T + 1, vocabSize + 1] : [T, vocabSize];
  return {
    ...common,
    description: 'DPAR: one teacher-forced pass.',
    inputs: {
      tokens: tokens(T),
      labels: integers(['batch'], classNumbers(settings)),
      patch_lengths: integers(
        ['batch', 'patches'],
        `tokens in each patch, 1 to ${patchSlots(settings)}, zeros after the last patch; each row sums to ${N}` +
          (predictEoiToken ? ', the end-of-image token is a patch of its own' : ''),
      ),
    },
    outputs: {
      logits: `[batch, ${N}, ${V}]: position i predicts token i from the class, finished patches and tokens 0..i - 1`,
      loss,
    },
    fn: (ops, x) => {
      const inputs = inputsOfLengths(ops, settings, named(x, 'tokens'), named(x, 'labels'), named(x, 'patch_lengths'));
      const outputs = dpar(ops, settings, x, inputs);
      return { logits: outputs.logits, loss: outputs.loss };
    },
  };
}
