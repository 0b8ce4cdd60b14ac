import type { KindsOf } from '@dpar/check';
import type { Dropout, DropoutPlace, Training } from '@dpar/nn';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import {
  type DynamicAxes,
  type HostTensor,
  type HostTensorOf,
  int32,
  named,
  type Random,
  sizeOf,
  type Tensors,
  type TensorType,
  typeOps,
} from '@dpar/tensor';
import { randomStream } from '../batches/batch-order.js';
import { int32Kinds, promptRow } from '../batches/token-set.js';
import { checkArguments } from '../check-arguments.js';

/** Probabilities that activations become zero; 0 means no dropout. The paper's and LlamaGen's are 0.1 each. */
export interface DropoutRates {
  /** Of embedded tokens. */
  readonly token: number;
  /** Of the outputs of attention. */
  readonly residual: number;
  /** Of the outputs of feed-forward layers. */
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

/** Prefix of masks among the inputs of a training step. */
const prefix = 'keep.';

/** Dropout of a training step whose masks are among the inputs. */
export function dropoutFrom<T>(tensors: Tensors<T>, rates: DropoutRates): NonNullable<Training<T>['dropout']> {
  return ({ name, kind }): Dropout<T> | undefined =>
    rates[kind] > 0 ? { keep: named(tensors, prefix + name), scale: 1 / (1 - rates[kind]) } : undefined;
}

/**
 * Masks of a model's dropout: a function of the seed, the step and the shapes of the batch, from the counter-based
 * generator. Each call overwrites the masks of the call before.
 */
export class DropoutMasks {
  /** Memory of each mask, as large as was needed so far. */
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
   * Masks of one pass, by name.
   * @param inputs Inputs of the batch.
   * @param index Number of the pass. Each number has its own masks.
   */
  draw(inputs: Tensors<HostTensor>, index: number): Tensors<HostTensor> {
    checkArguments('DropoutMasks.draw', { inputs, index }, { inputs: 'object', index: 'number' });

    const random = randomStream(this.seed, 'dropout', index);
    const masks: Record<string, HostTensor> = {};
    for (const { name, kind, shape } of this.placesFor(inputs)) {
      const data = this.memoryOf(name, sizeOf(shape));
      random.fillKeepMask(data, 1 - this.rates[kind]);
      masks[prefix + name] = { dtype: 'bool', shape, data };
    }
    return masks;
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

/** Places of {@link dropoutPlaces} with a rate above 0. */
function placesWithDropout(model: ImageArchitecture, rates: DropoutRates, inputs: Tensors<TensorType>): DropoutPlace[] {
  return dropoutPlaces(model, inputs).filter(({ kind }) => rates[kind] > 0);
}

/**
 * Axes of masks that grow with the dynamic axes of a model's inputs, by name of the mask.
 * @param inputs Inputs of any batch.
 */
export function maskAxes(model: ImageArchitecture, rates: DropoutRates, inputs: Tensors<TensorType>): DynamicAxes {
  const { dynamicAxes } = model.kind;
  const found: Record<string, Record<number, string>> = {};
  const usual = placesWithDropout(model, rates, inputs);
  const sizes = new Set(Object.values(dynamicAxes).flatMap((axes) => Object.values(axes)));
  for (const size of sizes) {
    // An axis depends on the size if it changes when the size grows by 1.
    const grown: Record<string, TensorType> = {};
    for (const [name, { dtype, shape }] of Object.entries(inputs)) {
      grown[name] = { dtype, shape: shape.map((n, axis) => (dynamicAxes[name]?.[axis] === size ? n + 1 : n)) };
    }
    for (const [i, { name, shape }] of placesWithDropout(model, rates, grown).entries()) {
      for (const [axis, n] of shape.entries()) {
        if (n === usual[i]?.shape[axis]) continue;
        const axes = found[prefix + name] ?? {};
        axes[axis] = size;
        found[prefix + name] = axes;
      }
    }
  }
  return found;
}

/** Places where a model may drop activations of a batch. The model runs on shapes only. */
export function dropoutPlaces(model: ImageArchitecture, inputs: Tensors<TensorType>): DropoutPlace[] {
  checkArguments('dropoutPlaces', { model, inputs }, { model: architectureArgument, inputs: 'object' });

  const { kind, config } = model;
  const types: Record<string, TensorType> = {};
  for (const [name, { shape }] of Object.entries(kind.specs(config))) types[name] = { dtype: 'float32', shape };
  for (const [name, { dtype, shape }] of Object.entries(inputs)) types[name] = { dtype, shape };
  const places: DropoutPlace[] = [];
  const dropout = (place: DropoutPlace): undefined => {
    places.push(place);
  };
  kind.outputs(typeOps, config, types, { dropout });
  return places;
}

/** Share of the visits of a prompt in which only its first word counts. */
const firstWordShare = 1 / 4;

/**
 * Replaces labels by the null class with some probability, for classifier-free guidance. The replaced labels are a function
 * of the seed and the step. Of a prompt, some of its words are left: the first alone in a quarter of the visits, else as many as a
 * random number says, so that each word learns its own meaning.
 * @param labels int32 [B] or, with prompts of W words, [B, W]
 * @param nullClass Number of classes.
 * @param probability The paper's is 0.1.
 * @returns Of the same shape, a new tensor
 */
export function dropClasses(
  labels: HostTensorOf<'int32'>,
  nullClass: number,
  probability: number,
  seed: number,
  step: number,
): HostTensorOf<'int32'> {
  checkArguments(
    'dropClasses',
    { labels, nullClass, probability, seed, step },
    { labels: int32Kinds, nullClass: 'number', probability: 'number', seed: 'number', step: 'number' },
  );

  const random = randomStream(seed, 'classDropout', step);
  const [B = 0, W = 1] = labels.shape;
  const kept = int32(labels.shape, labels.data.slice());
  for (let image = 0; image < B; image++) {
    const row = kept.data.subarray(image * W, (image + 1) * W);
    if (random.uniform() < probability) row.fill(nullClass);
    else if (labels.shape.length === 2) row.set(promptRow(someWords([...new Set(row)], random), W));
  }
  return kept;
}

function someWords(words: readonly number[], random: Random): number[] {
  if (random.uniform() < firstWordShare) return words.slice(0, 1);
  const count = 1 + random.integer(words.length);
  return Array.from(random.permutation(words.length).subarray(0, count), (i) => words[i] as number);
}
