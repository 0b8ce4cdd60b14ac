import { boundaryEntropies, type DparConfig, encoderStates, isBoundaryParameter } from '@dpar/model';
import { named, type Ops, type TensorFunction, type Tensors } from '@dpar/tensor';
import { lossScaleName, scaledGradients } from './loss-scale.js';

/** Squared error of a boundary head, and its gradients. */
export interface BoundaryGradients<T> {
  /** Scalar, nats^2: mean over the images and their T - 1 entropies. */
  readonly loss: T;
  /** By the names of the head's parameters. */
  readonly gradients: Tensors<T>;
}

/**
 * Squared error of the boundary head and its gradients by the parameters of the head. The states are constants to them: the
 * head never changes the encoder.
 * @param tensors Parameters of the head, and `entropies` [B, T - 1] of an entropy model, nats.
 * @param states Encoder states [B, N - 1, D]; by default computed from the `tokens` int32 [B, T] and parameters of `tensors`.
 */
export function boundaryGradients<T>(
  ops: Ops<T>,
  config: DparConfig,
  tensors: Tensors<T>,
  states: T = encoderStates(ops, config, tensors, named(tensors, 'tokens')),
): BoundaryGradients<T> {
  const head = Object.entries(tensors).filter(([name]) => isBoundaryParameter(name));
  const error: TensorFunction = (tapeOps, inputs) => {
    const predicted = boundaryEntropies(tapeOps, config, inputs, named(inputs, 'states'));
    return { loss: tapeOps.mean(tapeOps.square(tapeOps.sub(predicted, named(inputs, 'entropies')))) };
  };
  const scale = Object.hasOwn(tensors, lossScaleName) ? { [lossScaleName]: named(tensors, lossScaleName) } : {};
  const inputs = { ...Object.fromEntries(head), ...scale, states, entropies: named(tensors, 'entropies') };
  const { outputs, gradients } = scaledGradients(ops, error, inputs, {
    of: 'loss',
    by: head.map(([name]) => name),
  });
  return { loss: named(outputs, 'loss'), gradients };
}
