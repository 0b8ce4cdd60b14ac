import { checkParameters } from '@dpar/nn';
import {
  type CompiledFunction,
  type Engine,
  float32,
  type HostTensor,
  type HostTensorOf,
  named,
  type Tensors,
} from '@dpar/tensor';
import {
  discriminatorSpecs,
  type TokenizerArchitecture,
  type TokenizerLoss,
  tokenizerGradients,
} from '@dpar/tokenizer';
import { gradientPrefix, scalarOf } from './step.js';

/** Result of {@link TokenizerStep.run}. */
export interface TokenizerStepResult {
  /** The loss and its unweighted terms by name. */
  readonly scalars: Readonly<Record<string, number>> & { readonly loss: number };
  /** int32 [B, T]. */
  readonly codes: HostTensor;
  /** States before the codes were looked up, [B, T, D]. */
  readonly states: HostTensor;
  /** Of the parameters of the tokenizer and the discriminator, by name. The next run overwrites them. */
  readonly gradients: Tensors<HostTensor>;
}

/** Loss of a tokenizer and its gradients, compiled by an engine: forward and backward pass in one graph. */
export interface TokenizerStep {
  /** @param parameters Of the tokenizer, and of the discriminator if there is one. */
  run(parameters: Tensors<HostTensor>, images: HostTensorOf<'float32'>): Promise<TokenizerStepResult>;
  readonly signatures: number;
  dispose(): Promise<void>;
}

/** Compiles the loss of a tokenizer and its gradients. */
export function createTokenizerStep(engine: Engine, model: TokenizerArchitecture, loss: TokenizerLoss): TokenizerStep {
  const { adversarial } = loss;
  const specs = {
    ...model.kind.specs(model.config),
    ...(adversarial && discriminatorSpecs(adversarial.discriminator)),
  };
  const names = Object.keys(specs);
  const into = Object.fromEntries(names.map((name) => [gradientPrefix + name, float32(named(specs, name).shape)]));
  const compiled: CompiledFunction = engine.compile((ops, { image, ...tensors }) => {
    const result = tokenizerGradients(ops, model, loss, tensors, image as never);
    const gradients = Object.entries(result.gradients).map(([name, value]) => [gradientPrefix + name, value]);
    return { ...result.scalars, codes: result.codes, states: result.states, ...Object.fromEntries(gradients) };
  });
  return {
    get signatures() {
      return compiled.signatures;
    },
    async run(parameters, images) {
      checkParameters(specs, parameters);
      const { codes, states, ...others } = await compiled.run({ ...parameters, image: images }, { into });
      const scalars = Object.entries(others).filter(([name]) => !name.startsWith(gradientPrefix));
      return {
        scalars: Object.fromEntries(scalars.map(([name, tensor]) => [name, scalarOf(tensor)])) as { loss: number },
        codes: codes as HostTensor,
        states: states as HostTensor,
        gradients: Object.fromEntries(names.map((name) => [name, named(others, gradientPrefix + name)])),
      };
    },
    dispose: () => compiled.dispose(),
  };
}
