import { type EntropyModelConfig, entropyKind } from '@dpar/entropy';
import { type DparConfig, dparKind, type LlamaGenConfig, llamaGenKind } from '@dpar/model';
import { type DescribedGraph, type ImageModel, kindNames, type Model, modelArgument } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { dparStepGraphs } from './onnx/dpar-steps.js';
import { entropyStepGraph, llamaGenStepGraph } from './onnx/gpt-step.js';

/** Graphs of the steps of each kind of model. A new kind joins this list. */
const steps: readonly (readonly [{ readonly name: string }, (model: Model) => DescribedGraph[]])[] = [
  [dparKind, (model) => dparStepGraphs(model as Model<DparConfig>)],
  [llamaGenKind, (model) => [llamaGenStepGraph(model as Model<LlamaGenConfig>)]],
  [entropyKind, (model) => [entropyStepGraph(model as Model<EntropyModelConfig>)]],
];

/**
 * Graphs of the steps of a model with cached keys and values, for runtimes that sample without this library. A loop around
 * them draws tokens and passes the caches on, as the descriptions of inputs and outputs explain.
 * @throws DparError for a kind of model without such steps.
 */
export function stepGraphs(model: ImageModel): DescribedGraph[] {
  checkArguments('stepGraphs', { model }, { model: modelArgument });
  const found = steps.find(([kind]) => kind.name === model.kind.name);
  if (found !== undefined) return found[1](model);
  throw new DparError(
    `stepGraphs: expected a model of kind ${kindNames(steps.map(([kind]) => kind))}, got kind "${model.kind.name}". ` +
      'Export its teacher-forced pass instead.',
  );
}
