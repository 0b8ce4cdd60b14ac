import type { ImageModel } from '@dpar/nn';
import { DparError, type Engine, type HostTensor, type HostTensorOf, int32, named } from '@dpar/tensor';
import type { Models } from './open-model.js';

/** Models that predict entropies: an entropy model, or a DPAR with a boundary head. */
export type PredictorModel = Models['entropy'] | Models['dpar'];

/** Predicts the entropies of an image of T tokens. */
export interface EntropyPredictor {
  /**
   * @param tokens [T]
   * @returns Nats, [T - 1]: entry j is the entropy of predicting token j + 1.
   */
  entropies(tokens: Int32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Creates a predictor of entropies. @throws DparError for a DPAR without a boundary head. */
export function createEntropyPredictor(engine: Engine, model: PredictorModel): EntropyPredictor {
  const { kind, config, parameters }: ImageModel = model;
  const { entropySource: source } = kind;
  if (source === undefined) {
    throw new DparError(
      `createEntropyPredictor: expected a model that predicts entropies, got one of kind "${kind.name}". ` +
        'Pass an entropy model, or a DPAR with a boundary head.',
    );
  }
  source.check('createEntropyPredictor', config);
  const read = Object.entries(parameters).filter(([name]) => source.reads(name));
  const compiled = engine.compile((ops, inputs) => ({ entropies: source.entropies(ops, config, inputs) }), {
    constants: Object.fromEntries(read) as Record<string, HostTensor>,
  });
  return {
    async entropies(tokens) {
      const outputs = await compiled.run({ tokens: int32([1, tokens.length], tokens) });
      return (named(outputs, 'entropies') as HostTensorOf<'float32'>).data;
    },
    dispose: () => compiled.dispose(),
  };
}
