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

/** Prefix of the names of gradients among the outputs: `grad.<parameter>`. */
export const gradientPrefix = 'grad.';

/** What a training step does beyond loss and gradients. */
export interface StepOptions {
  /** Default: none. The masks are inputs, as `DropoutMasks` makes them. */
  readonly dropout?: DropoutRates | undefined;
  /**
   * Keeps nothing of what transformer blocks compute but their results, and computes the rest again in the backward
   * pass: a third more work for a fraction of the memory (default: false).
   */
  readonly recomputeBlocks?: boolean | undefined;
}

const stepOptionsKinds: KindsOf<StepOptions> = { 'dropout?': dropoutRatesKinds, 'recomputeBlocks?': 'boolean' };

/**
 * The function that a training step compiles: from parameters and inputs of a batch, all by name, to some of the model's
 * outputs and, under `grad.<parameter>`, the gradients of its loss by all parameters.
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
  const { dropout = noDropout, recomputeBlocks } = options;
  const by = Object.keys(model.kind.specs(model.config));
  return (ops, inputs) => {
    const forward: TensorFunction = (tapeOps, variables) =>
      model.kind.outputs(tapeOps, model.config, variables, {
        dropout: dropoutFrom(variables, dropout),
        recomputeBlocks,
      });
    const results = valueAndGradients(ops, forward, inputs, { of: 'loss', by });
    return {
      ...Object.fromEntries(outputs.map((name) => [name, named(results.outputs, name)])),
      ...Object.fromEntries(Object.entries(results.gradients).map(([name, value]) => [gradientPrefix + name, value])),
    };
  };
}

/** What one run of {@link LossAndGradients} gives. */
export interface LossAndGradientsResult {
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** By parameter name. The tensors are overwritten by the next run. */
  readonly gradients: Tensors<HostTensor>;
  /** The other outputs that were asked for. */
  readonly outputs: Tensors<HostTensor>;
}

/** Loss and gradients of a model, compiled by an engine. */
export interface LossAndGradients {
  /** @param inputs Inputs of a batch, as the model's `inputs` makes them. */
  run(parameters: Tensors<HostTensor>, inputs: Tensors<HostTensor>): Promise<LossAndGradientsResult>;
  /** Number of input signatures compiled so far. */
  readonly signatures: number;
  dispose(): Promise<void>;
}

/**
 * Loss and gradients of a model by its parameters, forward and backward as one graph whatever the sizes of its dynamic
 * axes, where the engine can, and one for each size of others. Gradients are written into tensors that are allocated once.
 * @param outputs Further outputs of the model to return, such as `logits`.
 */
export function lossAndGradients(
  engine: Engine,
  model: ImageArchitecture,
  outputs: readonly string[] = [],
  options: StepOptions = {},
): LossAndGradients {
  checkArguments(
    'lossAndGradients',
    { engine, model, outputs, options },
    { engine: 'Engine', model: architectureArgument, 'outputs?': 'string[]', 'options?': stepOptionsKinds },
  );

  const wanted = ['loss', ...outputs.filter((name) => name !== 'loss')];
  let compiled: CompiledFunction | undefined;
  const into = Object.fromEntries(
    Object.entries(model.kind.specs(model.config)).map(([name, { shape }]) => [gradientPrefix + name, float32(shape)]),
  );
  return {
    get signatures() {
      return compiled?.signatures ?? 0;
    },
    async run(parameters, inputs) {
      // The axes of masks are known with the shapes of a batch.
      compiled ??= engine.compile(gradientFunction(model, wanted, options), {
        dynamicAxes: { ...model.kind.dynamicAxes, ...maskAxes(model, options.dropout ?? noDropout, inputs) },
      });
      const results = await compiled.run({ ...parameters, ...inputs }, { into });
      const gradients = Object.keys(model.kind.specs(model.config)).map(
        (name) => [name, results[gradientPrefix + name]] as const,
      );
      return {
        loss: results.loss?.data[0] ?? Number.NaN,
        gradients: Object.fromEntries(
          gradients.filter((entry): entry is [string, HostTensor] => entry[1] !== undefined),
        ),
        outputs: Object.fromEntries(Object.entries(results).filter(([name]) => outputs.includes(name))),
      };
    },
    dispose: async () => compiled?.dispose(),
  };
}

/** The one element of a tensor. */
export function scalarOf({ data }: HostTensor): number {
  return data[0] ?? Number.NaN;
}
