import { type EntropyModelConfig, entropyModel } from '@dpar/entropy';
import { boundaryEntropies, type DparConfig, dparInputs, dparKind } from '@dpar/model';
import type { Model } from '@dpar/nn';
import { type HostTensor, type HostTensorOf, int32, named, type TensorFunction, type Tensors } from '@dpar/tensor';

/** Teacher-forced computation of the entropies that decide where patches start. */
export interface EntropySource {
  /** Function whose output `entropies` is float32 [1, T - 1], in nats. */
  readonly fn: TensorFunction;
  readonly parameters: Tensors<HostTensor>;
  /** Inputs of the function for an image. @param tokens int32 [1, T] */
  inputs(tokens: HostTensorOf<'int32'>): Tensors<HostTensor>;
}

/** Entropies of an entropy model. */
export function entropiesOfModel({ config, parameters }: Model<EntropyModelConfig>): EntropySource {
  return {
    fn: (ops, inputs) => ({ entropies: entropyModel(ops, config, inputs, named(inputs, 'tokens')).entropies }),
    parameters,
    inputs: (tokens) => ({ tokens }),
  };
}

/** Entropies that the boundary head of a DPAR predicts. The encoder states that it reads do not depend on patches. */
export function entropiesOfHead({ config, parameters }: Model<DparConfig>): EntropySource {
  const T = config.blockSize;
  const patchPerToken = int32([1, T], new Int32Array(T).fill(1));
  return {
    fn: (ops, inputs) => {
      const states = named(dparKind.outputs(ops, config, inputs), 'encoderTokens');
      return { entropies: boundaryEntropies(ops, config, inputs, states) };
    },
    parameters,
    inputs: (tokens) => dparInputs(config, tokens, int32([1], [0]), patchPerToken),
  };
}
