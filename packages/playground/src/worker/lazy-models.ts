import { createSampler, needsEntropyModel } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { type Classifier, createClassifier } from '../model/class-likelihoods.js';
import type { Sampler } from '../model/drawing.js';
import { createEntropyPredictor, type EntropyPredictor } from '../model/entropy-predictor.js';
import type { Models, OpenModel } from '../model/open-model.js';
import { Once } from './once.js';
import type { ModelName } from './protocol.js';

/** Samplers, classifier, and the entropy model beside a boundary head. Their weights are read on first use. */
export class LazyModels {
  private readonly once = new Once();
  private tuned: Models['dpar'] | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly model: OpenModel,
  ) {}

  /** The DPAR that draws: the page's, or one that was tuned. */
  async dpar(): Promise<Models['dpar']> {
    return this.tuned ?? this.model.load('dpar');
  }

  /** Replaces the DPAR that draws and classifies; undefined for the page's own. Nothing may draw meanwhile. */
  async replaceDpar(tuned: Models['dpar'] | undefined): Promise<void> {
    this.tuned = tuned;
    const [sampler, classifier] = [
      await this.once.forget<Sampler>('sampler dpar'),
      await this.once.forget<Classifier>('classifier'),
    ];
    await sampler?.dispose();
    await classifier?.dispose();
  }

  sampler(name: ModelName): Promise<Sampler> {
    return this.once.get(`sampler ${name}`, async () => {
      const model = name === 'dpar' ? await this.dpar() : await this.model.load(name);
      const entropyModel = needsEntropyModel(model) ? await this.model.load('entropy') : undefined;
      return createSampler(this.engine, model, { entropyModel });
    });
  }

  classifier(): Promise<Classifier> {
    return this.once.get('classifier', async () =>
      createClassifier(this.engine, await this.dpar(), this.model.classes),
    );
  }

  entropyModel(): Promise<EntropyPredictor> {
    return this.once.get('entropy model', async () =>
      createEntropyPredictor(this.engine, await this.model.load('entropy')),
    );
  }
}
