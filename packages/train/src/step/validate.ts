import type { KindsOf } from '@dpar/check';
import { architectureArgument, type ImageArchitecture } from '@dpar/nn';
import {
  type CompiledFunction,
  type DeviceTensor,
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
   * Mean cross-entropy over all predicted tokens of a set, in nats per token. Of images with variants, the first one counts.
   * Labels are not dropped.
   * @param parameters Parameters that are not among {@link ValidatorOptions.constants}.
   * @throws The signal's reason if it is aborted.
   */
  loss(
    parameters: Tensors<HostTensor | DeviceTensor>,
    set: TokenSet | TokenSource,
    batchSize: number,
    signal?: AbortSignal,
  ): Promise<number>;
  dispose(): Promise<void>;
}

/** Options of {@link createValidator}. */
export interface ValidatorOptions {
  /** Parameters that never change, which the engine may repack or quantise (default: none). */
  readonly constants?: Tensors<HostTensor>;
  /** Format of constant matrices in products (default: `float32`). */
  readonly weights?: WeightFormat;
  /** See `bucketRatio` of `TrainerOptions`. */
  readonly bucketRatio?: number | undefined;
}

const validatorOptionsKinds: KindsOf<ValidatorOptions> = {
  'constants?': 'object',
  'weights?': "'float32' | 'int8' | 'int4'",
  'bucketRatio?': 'number',
};

/** Creates a validator. It compiles the forward pass, with all parameters but the constants as inputs. */
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
        batch.catch(() => {}); // thrown by the await below
        return batch;
      };
      let sum = 0;
      let next = load(0);
      for (let start = 0; start < order.length; start += batchSize) {
        signal?.throwIfAborted();
        const batch = await next;
        if (start + batchSize < order.length) next = load(start + batchSize);
        const inputs = model.kind.inputs(model.config, batch, { bucketRatio });
        const outputs = await compiled.run({ ...parameters, ...inputs });
        // All images have the same number of predicted tokens.
        sum += scalarOf(named(outputs, 'loss')) * batch.images.length;
      }
      return sum / order.length;
    },
    dispose: () => compiled.dispose(),
  };
}

/** All images of a source in ascending order of their patches, so that batches need little padding. */
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
