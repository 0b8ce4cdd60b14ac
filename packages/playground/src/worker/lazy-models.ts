import { createSampler, needsEntropyModel } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { type Classifier, createClassifier } from '../model/class-likelihoods.js';
import type { Sampler } from '../model/drawing.js';
import { createEntropyPredictor, type EntropyPredictor } from '../model/entropy-predictor.js';
import type { OpenModel } from '../model/open-model.js';
import { Once } from './once.js';
import type { ModelName } from './protocol.js';

/** Samplers, classifier, and the entropy model beside a boundary head. Their weights are read on first use. */
export class LazyModels {
  private readonly once = new Once();

  constructor(
    private readonly engine: Engine,
    private readonly model: OpenModel,
  ) {}

  sampler(name: ModelName): Promise<Sampler> {
    return this.once.get(`sampler ${name}`, async () => {
      const model = await this.model.load(name);
      const entropyModel = needsEntropyModel(model) ? await this.model.load('entropy') : undefined;
      return createSampler(this.engine, model, { entropyModel });
    });
  }

  classifier(): Promise<Classifier> {
    return this.once.get('classifier', async () => createClassifier(this.engine, await this.model.load('dpar')));
  }

  entropyModel(): Promise<EntropyPredictor> {
    return this.once.get('entropy model', async () =>
      createEntropyPredictor(this.engine, await this.model.load('entropy')),
    );
  }
}
