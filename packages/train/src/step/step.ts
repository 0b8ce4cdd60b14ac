import type { KindsOf } from '@dpar/check';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import {
  type CompiledFunction,
  type Engine,
  float32,
  type HostTensor,
  named,
  type TensorFunction,
  type Tensors,
  valueAndGradients,
} from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { type DropoutRates, dropoutFrom, dropoutRatesKinds, maskAxes, noDropout } from './dropout.js';

/** Prefix of gradients among the outputs: `grad.<parameter>`. */
export const gradientPrefix = 'grad.';

/** Options of {@link gradientFunction} and {@link createLossAndGradients}. */
export interface StepOptions {
  /** Default: none. The masks are inputs, from `DropoutMasks`. */
  readonly dropout?: DropoutRates | undefined;
  /**
   * Stores only the results of transformer blocks and recomputes the rest in the backward pass: a third more work for a
   * fraction of the memory (default: false).
   */
  readonly recomputeBlocks?: boolean | undefined;
}

const stepOptionsKinds: KindsOf<StepOptions> = { 'dropout?': dropoutRatesKinds, 'recomputeBlocks?': 'boolean' };

/**
 * The function that a training step compiles. Its inputs are parameters and inputs of a batch, by name. Its outputs are
 * some of the model's outputs and, as `grad.<parameter>`, the gradients of the loss with respect to all parameters.
 * @param outputs Names of the model's outputs to return.
 */
export function gradientFunction(
  model: ImageArchitecture,
  outputs: readonly string[],
  options: StepOptions = {},
): TensorFunction {
  checkArguments(
    'gradientFunction',
    { model, outputs, options },
    { model: architectureArgument, outputs: 'string[]', 'options?': stepOptionsKinds },
  );
  const { kind, config } = model;
  const { dropout = noDropout, recomputeBlocks } = options;
  const by = Object.keys(kind.specs(config));
  return (ops, inputs) => {
    const forward: TensorFunction = (tapeOps, tensors) =>
      kind.outputs(tapeOps, config, tensors, { dropout: dropoutFrom(tensors, dropout), recomputeBlocks });
    const results = valueAndGradients(ops, forward, inputs, { of: 'loss', by });
    const returned = outputs.map((name) => [name, named(results.outputs, name)] as const);
    const gradients = Object.entries(results.gradients).map(([name, value]) => [gradientPrefix + name, value] as const);
    return Object.fromEntries([...returned, ...gradients]);
  };
}

/** Result of {@link LossAndGradients.run}. */
export interface LossAndGradientsResult {
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** By parameter name. The next run overwrites the tensors. */
  readonly gradients: Tensors<HostTensor>;
  /** The other requested outputs. */
  readonly outputs: Tensors<HostTensor>;
}

/** Loss and gradients of a model, compiled by an engine. */
export interface LossAndGradients {
  /** @param inputs Inputs of a batch, from `inputs` of the model's kind. */
  run(parameters: Tensors<HostTensor>, inputs: Tensors<HostTensor>): Promise<LossAndGradientsResult>;
  /** Number of compiled input signatures. */
  readonly signatures: number;
  dispose(): Promise<void>;
}

/**
 * Loss of a model and its gradients with respect to all parameters, forward and backward in one graph. Where the engine
 * can, the graph serves any sizes of the dynamic axes. Gradients are written into tensors that are allocated once.
 * @param outputs Further outputs of the model to return, such as `logits`.
 */
export function createLossAndGradients(
  engine: Engine,
  model: ImageArchitecture,
  outputs: readonly string[] = [],
  options: StepOptions = {},
): LossAndGradients {
  checkArguments(
    'createLossAndGradients',
    { engine, model, outputs, options },
    { engine: 'Engine', model: architectureArgument, 'outputs?': 'string[]', 'options?': stepOptionsKinds },
  );
  const { kind, config } = model;
  const wanted = ['loss', ...outputs.filter((name) => name !== 'loss')];
  const specs = Object.entries(kind.specs(config));
  const into = Object.fromEntries(specs.map(([name, { shape }]) => [gradientPrefix + name, float32(shape)]));
  let compiled: CompiledFunction | undefined;
  return {
    get signatures() {
      return compiled?.signatures ?? 0;
    },
    async run(parameters, inputs) {
      if (compiled === undefined) {
        // The axes of masks depend on the shapes of a batch.
        const axes = maskAxes(model, options.dropout ?? noDropout, inputs);
        const dynamicAxes = { ...kind.dynamicAxes, ...axes };
        compiled = engine.compile(gradientFunction(model, wanted, options), { dynamicAxes });
      }
      const results = await compiled.run({ ...parameters, ...inputs }, { into });
      return {
        loss: scalarOf(named(results, 'loss')),
        gradients: Object.fromEntries(specs.map(([name]) => [name, named(results, gradientPrefix + name)])),
        outputs: Object.fromEntries(Object.entries(results).filter(([name]) => outputs.includes(name))),
      };
    },
    dispose: async () => compiled?.dispose(),
  };
}

/** The only element of a tensor. */
export function scalarOf({ data }: HostTensor): number {
  return data[0] ?? Number.NaN;
}
