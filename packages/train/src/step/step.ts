import type { KindsOf } from '@dpar/check';
import { isBoundaryParameter } from '@dpar/model';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import {
  type CompiledFunction,
  type DeviceTensor,
  type Engine,
  float32,
  type HostTensor,
  named,
  type TensorFunction,
  type Tensors,
} from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { boundaryGradients } from './boundary-gradients.js';
import { type DropoutRates, dropoutFrom, dropoutRatesKinds, maskAxes, noDropout } from './dropout.js';
import { scaledGradients } from './loss-scale.js';
import { boundaryConfigOf, type Trained, trainedKind, trainedParameters, trainsHead } from './trained.js';

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
  /** Parameters to differentiate by (default: all). */
  readonly trained?: Trained | undefined;
}

const stepOptionsKinds: KindsOf<StepOptions> = {
  'dropout?': dropoutRatesKinds,
  'recomputeBlocks?': 'boolean',
  'trained?': trainedKind,
};

/** Name of the squared error of a boundary head among the outputs. */
export const boundaryLossName = 'boundaryLoss';

/**
 * The function that a training step compiles. Its inputs are parameters and inputs of a batch, by name. Its outputs are
 * some of the model's outputs and, as `grad.<parameter>`, the gradients of the loss with respect to the trained parameters.
 *
 * With `entropies` [B, T - 1] among its inputs, a boundary head is trained on them, unless it is frozen. Its gradients are then
 * those of its squared error, which is the output `boundaryLoss` (scalar, nats^2). Other gradients are as without the head. If
 * only the head is trained, the inputs are `tokens`, `entropies` and the parameters that the head reads, the squared error is
 * also the output `loss`, and there are no other outputs and no dropout.
 *
 * With `targets` (int32 [B, T]) among its inputs, these are what the model predicts from the `tokens` that it reads.
 *
 * With `lossScale` (scalar, a power of two) among its inputs, backward passes start from the losses times that scale, and gradients
 * are divided by it. Products in float16 then do not round small gradients to zero. Losses are returned unscaled.
 * @param outputs Names of the model's outputs to return.
 * @throws DparError if only a part is trained, and the model has no boundary head.
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
  const { dropout = noDropout, recomputeBlocks, trained = 'all' } = options;
  const by = trainedParameters(model, trained);
  const head = trainsHead(model, trained) ? boundaryConfigOf(model) : undefined;
  if (head !== undefined && trained === 'boundary_head') {
    return (ops, inputs) => {
      const { loss, gradients } = boundaryGradients(ops, head, inputs);
      return { loss, [boundaryLossName]: loss, ...prefixed(gradients) };
    };
  }
  return (ops, inputs) => {
    const joint = head !== undefined && Object.hasOwn(inputs, 'entropies') ? head : undefined;
    const forward: TensorFunction = (tapeOps, tensors) =>
      kind.outputs(tapeOps, config, tensors, {
        dropout: dropoutFrom(tensors, dropout),
        targets: tensors.targets,
        recomputeBlocks,
      });
    const byLoss = joint === undefined ? by : by.filter((name) => !isBoundaryParameter(name));
    const results = scaledGradients(ops, forward, inputs, { of: 'loss', by: byLoss });
    const returned = Object.fromEntries(outputs.map((name) => [name, named(results.outputs, name)]));
    const gradients = prefixed(results.gradients);
    if (joint === undefined) return { ...returned, ...gradients };
    const boundary = boundaryGradients(ops, joint, inputs, named(results.outputs, 'encoderTokens'));
    return { ...returned, [boundaryLossName]: boundary.loss, ...gradients, ...prefixed(boundary.gradients) };
  };
}

function prefixed<T>(gradients: Tensors<T>): Tensors<T> {
  return Object.fromEntries(Object.entries(gradients).map(([name, value]) => [gradientPrefix + name, value]));
}

/** Result of {@link LossAndGradients.run}. */
export interface LossAndGradientsResult<T = HostTensor> {
  /** Mean cross-entropy in nats; if only a boundary head is trained, its squared error in nats^2. */
  readonly loss: number;
  /** Squared error of a boundary head that is trained, nats^2. */
  readonly boundaryLoss?: number;
  /** By parameter name. The next run overwrites those of the host. */
  readonly gradients: Tensors<T>;
  /** The other requested outputs. */
  readonly outputs: Tensors<T>;
}

/** Loss and gradients of a model, compiled by an engine. */
export interface LossAndGradients {
  /** @param inputs Inputs of a batch, from `inputs` of the model's kind. */
  run(parameters: Tensors<HostTensor>, inputs: Tensors<HostTensor>): Promise<LossAndGradientsResult>;
  /** The same with parameters, gradients and outputs in the memory of the engine. Dispose them after their last use. */
  runOnDevice(
    parameters: Tensors<DeviceTensor>,
    inputs: Tensors<HostTensor>,
  ): Promise<LossAndGradientsResult<DeviceTensor>>;
  /** Number of compiled input signatures. */
  readonly signatures: number;
  dispose(): Promise<void>;
}

/**
 * Loss of a model and its gradients with respect to the trained parameters, forward and backward in one graph. Where the engine
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
  const { trained = 'all', dropout = noDropout } = options;
  const wanted = ['loss', ...outputs.filter((name) => name !== 'loss')];
  const names = trainedParameters(model, trained);
  const specs = kind.specs(config);
  let into: Tensors<HostTensor> | undefined;
  let compiled: CompiledFunction | undefined;
  const compiledFor = (inputs: Tensors<HostTensor>): CompiledFunction => {
    if (compiled === undefined) {
      // The axes of masks depend on the shapes of a batch.
      const dynamicAxes =
        trained === 'boundary_head' ? {} : { ...kind.dynamicAxes, ...maskAxes(model, dropout, inputs) };
      compiled = engine.compile(gradientFunction(model, wanted, options), { dynamicAxes });
    }
    return compiled;
  };
  const result = <T>(results: Tensors<T>, loss: number, boundaryLoss: number | undefined) => ({
    loss,
    ...(boundaryLoss !== undefined && { boundaryLoss }),
    gradients: Object.fromEntries(names.map((name) => [name, named(results, gradientPrefix + name)])),
    outputs: Object.fromEntries(Object.entries(results).filter(([name]) => outputs.includes(name))),
  });
  const hasHead = trainsHead(model, trained);
  return {
    get signatures() {
      return compiled?.signatures ?? 0;
    },
    async run(parameters, inputs) {
      into ??= Object.fromEntries(names.map((name) => [gradientPrefix + name, float32(named(specs, name).shape)]));
      const results = await compiledFor(inputs).run({ ...parameters, ...inputs }, { into });
      const scalar = (name: string): number => scalarOf(named(results, name));
      return result(results, scalar('loss'), hasHead ? scalar(boundaryLossName) : undefined);
    },
    async runOnDevice(parameters, inputs) {
      const toHost = hasHead ? ['loss', boundaryLossName] : ['loss'];
      const results = await compiledFor(inputs).runOnDevice({ ...parameters, ...inputs }, { toHost });
      const scalar = async (name: string): Promise<number> => {
        const tensor = named(results, name);
        const value = scalarOf(await tensor.read());
        if (!outputs.includes(name)) tensor.dispose();
        return value;
      };
      return result(results, await scalar('loss'), hasHead ? await scalar(boundaryLossName) : undefined);
    },
    dispose: async () => compiled?.dispose(),
  };
}

/** The only element of a tensor. */
export function scalarOf({ data }: HostTensor): number {
  return data[0] ?? Number.NaN;
}
