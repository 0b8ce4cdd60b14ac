import type { EmojiModels, OpenEmojiModel } from '@dpar/emoji';
import { createSampler } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import type { Analysts } from '../model/analyser.js';
import { type Classifier, createClassifier } from '../model/class-likelihoods.js';
import type { Sampler } from '../model/drawing.js';
import type { ModelName } from './protocol.js';

/** Samplers and classifier. Their weights are read on first use, and again after a failure. */
export class DrawingModels {
  private readonly made = new Map<string, Promise<unknown>>();

  constructor(
    private readonly engine: Engine,
    private readonly model: OpenEmojiModel,
    private readonly analysts: Analysts,
  ) {}

  sampler(name: ModelName): Promise<Sampler> {
    return this.once(`sampler ${name}`, async () =>
      createSampler(this.engine, await this.load(name), { entropyModel: this.analysts.entropy }),
    );
  }

  classifier(): Promise<Classifier> {
    return this.once('classifier', async () => createClassifier(this.engine, await this.load('dpar')));
  }

  private load<Name extends ModelName>(name: Name): Promise<EmojiModels[Name]> {
    return this.once(`weights ${name}`, () => this.model.load(name));
  }

  private once<V>(name: string, make: () => Promise<V>): Promise<V> {
    const known = this.made.get(name) as Promise<V> | undefined;
    if (known) return known;
    const made = make();
    this.made.set(name, made);
    made.catch(() => this.made.delete(name));
    return made;
  }
}
