import type { KindsOf } from '@dpar/check';
import type { Dropout, DropoutPlace, Training } from '@dpar/nn';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import { type DynamicAxes, type HostTensor, named, sizeOf, type Tensors, type TensorType, typeOps } from '@dpar/tensor';
import { randomStream } from '../batches/random-streams.js';
import { checkArguments } from '../check-arguments.js';

/** Probabilities at which activations become zero; 0 is no dropout. The paper's and LlamaGen's are 0.1 each. */
export interface DropoutRates {
  /** Of embedded tokens. */
  readonly token: number;
  /** Of what attention adds. */
  readonly residual: number;
  /** Of what feed-forward layers add. */
  readonly feedForward: number;
}

/** Kinds of {@link DropoutRates}. */
export const dropoutRatesKinds: KindsOf<DropoutRates> = {
  token: 'number',
  residual: 'number',
  feedForward: 'number',
  '*': 'any',
};

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
 * counter-based generator; each call overwrites what the one before gave.
 */
export class DropoutMasks {
  /** Memory of the masks by name, as large as was needed so far. */
  private readonly memory = new Map<string, Uint8Array>();
  /** Places by shapes of the inputs. */
  private readonly places = new Map<string, readonly DropoutPlace[]>();

  constructor(
    private readonly model: ImageArchitecture,
    private readonly rates: DropoutRates,
    private readonly seed: number,
  ) {
    checkArguments(
      'DropoutMasks',
      { model, rates, seed },
      { model: architectureArgument, rates: dropoutRatesKinds, seed: 'number' },
    );
  }

  /**
   * The masks of one pass, by name.
   * @param inputs Inputs of the batch.
   * @param index Number of the pass: other numbers give other masks.
   */
  draw(inputs: Tensors<HostTensor>, index: number): Tensors<HostTensor> {
    checkArguments('DropoutMasks.draw', { inputs, index }, { inputs: 'object', index: 'number' });

    const random = randomStream(this.seed, 'dropout', index);
    const masks = this.placesFor(inputs).map(({ name, kind, shape }) => {
      const data = this.memoryOf(name, sizeOf(shape));
      random.fillKeepMask(data, 1 - this.rates[kind]);
      return [prefix + name, { dtype: 'bool', shape, data }] as const;
    });
    return Object.fromEntries(masks);
  }

  private placesFor(inputs: Tensors<HostTensor>): readonly DropoutPlace[] {
    const shapes = JSON.stringify(Object.entries(inputs).map(([name, { shape }]) => [name, shape]));
    const places = this.places.get(shapes) ?? placesWithDropout(this.model, this.rates, inputs);
    this.places.set(shapes, places);
    return places;
  }

  private memoryOf(name: string, size: number): Uint8Array {
    const known = this.memory.get(name);
    const memory = known !== undefined && known.length >= size ? known : new Uint8Array(size);
    this.memory.set(name, memory);
    return memory.subarray(0, size);
  }
}

/** The places of {@link dropoutPlaces} with a rate above 0. */
function placesWithDropout(model: ImageArchitecture, rates: DropoutRates, inputs: Tensors<TensorType>): DropoutPlace[] {
  return dropoutPlaces(model, inputs).filter(({ kind }) => rates[kind] > 0);
}

/**
 * Axes of the masks whose size goes with the dynamic axes of a model's inputs, by name of the mask.
 * @param inputs Inputs of any batch.
 */
export function maskAxes(model: ImageArchitecture, rates: DropoutRates, inputs: Tensors<TensorType>): DynamicAxes {
  const found: Record<string, Record<number, string>> = {};
  const usual = placesWithDropout(model, rates, inputs);
  const names = new Set(Object.values(model.kind.dynamicAxes).flatMap((axes) => Object.values(axes)));
  for (const size of names) {
    // What grows with the size depends on it.
    const grown = Object.entries(inputs).map(([name, { dtype, shape }]) => {
      const axes = model.kind.dynamicAxes[name] ?? {};
      return [name, { dtype, shape: shape.map((n, axis) => (axes[axis] === size ? n + 1 : n)) }] as const;
    });
    for (const [i, { name, shape }] of placesWithDropout(model, rates, Object.fromEntries(grown)).entries()) {
      shape.forEach((n, axis) => {
        if (n !== usual[i]?.shape[axis]) found[prefix + name] = { ...found[prefix + name], [axis]: size };
      });
    }
  }
  return found;
}

/** Where a model may drop activations, for a batch with the given inputs: the model is run on shapes alone. */
export function dropoutPlaces(model: ImageArchitecture, inputs: Tensors<TensorType>): DropoutPlace[] {
  checkArguments('dropoutPlaces', { model, inputs }, { model: architectureArgument, inputs: 'object' });

  const places: DropoutPlace[] = [];
  const parameters = Object.fromEntries(
    Object.entries(model.kind.specs(model.config)).map(([name, { shape }]) => [
      name,
      { dtype: 'float32', shape } as const,
    ]),
  );
  const types = Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const);
  model.kind.outputs(
    typeOps,
    model.config,
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
