import type { KindsOf } from '@dpar/check';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import {
  type CompiledFunction,
  type Engine,
  type HostTensor,
  named,
  type Tensors,
  type WeightFormat,
} from '@dpar/tensor';
import { countPatches } from '../batches/patch-counts.js';
import type { TokenSet } from '../batches/token-set.js';
import { sourceOf, type TokenSource } from '../batches/token-source.js';
import { checkArguments } from '../check-arguments.js';
import { scalarOf } from './step.js';

/** Loss of a model over whole sets. */
export interface Validator {
  /**
   * Mean cross-entropy over all predicted tokens of a set, in nats per token; of images with variants, those of the first
   * one. Labels are used as they are.
   * @param parameters Those that are not among {@link ValidatorOptions.constants}.
   * @throws The signal's reason if it is aborted.
   */
  loss(
    parameters: Tensors<HostTensor>,
    set: TokenSet | TokenSource,
    batchSize: number,
    signal?: AbortSignal,
  ): Promise<number>;
  dispose(): Promise<void>;
}

/** Settings of {@link createValidator}. */
export interface ValidatorOptions {
  /** Parameters that stay the same from call to call, which the engine can repack or quantise (default: none). */
  readonly constants?: Tensors<HostTensor>;
  /** Format of the constant matrices of products (default: `float32`). */
  readonly weights?: WeightFormat;
  /** See `bucketRatio` of {@link TrainerOptions}. */
  readonly bucketRatio?: number | undefined;
}

const validatorOptionsKinds: KindsOf<ValidatorOptions> = {
  'constants?': 'object',
  'weights?': "'float32' | 'int8' | 'int4'",
  'bucketRatio?': 'number',
};

/** A validator; the forward pass alone is compiled, with the parameters as inputs but for those that are constants. */
export function createValidator(engine: Engine, model: ImageArchitecture, options: ValidatorOptions = {}): Validator {
  checkArguments(
    'createValidator',
    { engine, model, options },
    { engine: 'Engine', model: architectureArgument, 'options?': validatorOptionsKinds },
  );

  const { bucketRatio, ...compileOptions } = options;
  const compiled: CompiledFunction = engine.compile(
    (ops, inputs) => ({ loss: named(model.kind.outputs(ops, model.config, inputs), 'loss') }),
    { ...compileOptions, dynamicAxes: model.kind.dynamicAxes },
  );
  const orders = new WeakMap<TokenSet | TokenSource, Int32Array>();
  return {
    async loss(parameters, set, batchSize, signal) {
      const source = sourceOf(set);
      const order = orders.get(set) ?? (await imagesByPatchCount(model, source, signal));
      orders.set(set, order);
      const load = (start: number) => {
        const images = order.slice(start, start + batchSize);
        const batch = source.load(images, new Int32Array(images.length));
        batch.catch(() => {}); // thrown where it is awaited
        return batch;
      };
      let sum = 0;
      let next = load(0);
      for (let start = 0; start < order.length; start += batchSize) {
        signal?.throwIfAborted();
        const batch = await next;
        if (start + batchSize < order.length) next = load(start + batchSize);
        const { loss } = await compiled.run({
          ...parameters,
          ...model.kind.inputs(model.config, batch, { bucketRatio }),
        });
        // Each image has as many predicted tokens as any other.
        if (loss !== undefined) sum += scalarOf(loss) * batch.images.length;
      }
      return sum / order.length;
    },
    dispose: () => compiled.dispose(),
  };
}

/** All images of a source, those with few patches first, so that batches hardly need padding. */
async function imagesByPatchCount(
  model: ImageArchitecture,
  source: TokenSource,
  signal: AbortSignal | undefined,
): Promise<Int32Array> {
  const { images, variants: V } = source;
  const order = Int32Array.from({ length: images }, (_, i) => i);
  const counts = await countPatches(model, source, { signal });
  return counts === undefined ? order : order.sort((a, b) => (counts[a * V] as number) - (counts[b * V] as number));
}
