import type { Dropout, DropoutKind, DropoutPlace, Training } from '@dpar/nn';
import { type HostTensor, type HostTensorOf, hostTensor, named, type Tensors, typeOps } from '@dpar/tensor';
import { randomStream } from './random-streams.js';
import type { TrainableModel } from './trainable.js';

/** Probabilities at which activations become zero; 0 is no dropout. The paper's and LlamaGen's are 0.1 each. */
export interface DropoutRates {
  /** Of embedded tokens. */
  readonly token: number;
  /** Of what attention adds. */
  readonly residual: number;
  /** Of what feed-forward layers add. */
  readonly feedForward: number;
}

/** Rates of a model without dropout. */
export const noDropout: DropoutRates = { token: 0, residual: 0, feedForward: 0 };

/** Prefix of the names of masks among the inputs of a training step. */
const prefix = 'keep.';

/** The dropout of a training step that finds its masks among the inputs. */
export function dropoutFrom<T>(tensors: Tensors<T>, rates: DropoutRates): NonNullable<Training<T>['dropout']> {
  return ({ name, kind }): Dropout<T> | undefined =>
    rates[kind] > 0 ? { keep: named(tensors, prefix + name), scale: 1 / (1 - rates[kind]) } : undefined;
}

/**
 * Masks of a model's dropout. They are a function of the seed, the step and the shapes of the batch alone, drawn from the
 * counter-based generator; each call overwrites what the one before gave for the same shapes.
 */
export class DropoutMasks {
  /** Masks by shapes of the inputs, with the kind of each. */
  private readonly known = new Map<string, readonly Mask[]>();

  constructor(
    private readonly model: TrainableModel,
    private readonly rates: DropoutRates,
    private readonly seed: number,
  ) {}

  /**
   * The masks of one pass, by name.
   * @param inputs Inputs of the batch.
   * @param index Number of the pass: other numbers give other masks.
   */
  draw(inputs: Tensors<HostTensor>, index: number): Tensors<HostTensor> {
    const random = randomStream(this.seed, 'dropout', index);
    const masks = this.masksFor(inputs);
    for (const { kind, tensor } of masks) random.fillKeepMask(tensor.data, 1 - this.rates[kind]);
    return Object.fromEntries(masks.map(({ name, tensor }) => [prefix + name, tensor]));
  }

  private masksFor(inputs: Tensors<HostTensor>): readonly Mask[] {
    const shapes = JSON.stringify(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
    const masks =
      this.known.get(shapes) ??
      dropoutPlaces(this.model, inputs)
        .filter(({ kind }) => this.rates[kind] > 0)
        .map(({ name, kind, shape }) => ({ name, kind, tensor: hostTensor('bool', shape) }));
    this.known.set(shapes, masks);
    return masks;
  }
}

interface Mask {
  readonly name: string;
  readonly kind: DropoutKind;
  readonly tensor: HostTensorOf<'bool'>;
}

/** Where a model may drop activations, for a batch with the given inputs: the model is run on shapes alone. */
export function dropoutPlaces(model: TrainableModel, inputs: Tensors<HostTensor>): DropoutPlace[] {
  const places: DropoutPlace[] = [];
  const parameters = Object.fromEntries(
    Object.entries(model.specs).map(([name, { shape }]) => [name, { dtype: 'float32', shape } as const]),
  );
  const types = Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const);
  model.outputs(
    typeOps,
    { ...parameters, ...Object.fromEntries(types) },
    {
      dropout: (place) => {
        places.push(place);
        return undefined;
      },
    },
  );
  return places;
}
