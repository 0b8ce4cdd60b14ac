import { type DparConfig, dparKind, type LlamaGenConfig, llamaGenKind } from '@dpar/model';
import { type ImageModel, type ImageModelKind, kindNames, type Model, modelArgument } from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { DparSampler } from './dpar.js';
import { LlamaGenSampler } from './llamagen.js';
import { type SamplerOptions, samplerOptionsKinds } from './options.js';
import type { Sampler } from './sampler.js';

type Create = (engine: Engine, model: Model, options: SamplerOptions) => Sampler;

/** Samplers of the kinds of models that generate. A new kind joins this list. */
const samplers: readonly (readonly [ImageModelKind, Create])[] = [
  [dparKind, (engine, model, options) => new DparSampler(engine, model as Model<DparConfig>, options)],
  [llamaGenKind, (engine, model, options) => new LlamaGenSampler(engine, model as Model<LlamaGenConfig>, options)],
];

/** Kinds of models that generate images. */
export const generatingKinds: readonly ImageModelKind[] = /* @__PURE__ */ samplers.map(([kind]) => kind);

/**
 * Creates the sampler of a model, which generates the tokens of images.
 * @throws DparError for a model that does not generate, or an entropy model that is missing or made for other tokens.
 */
export function createSampler(engine: Engine, model: ImageModel, options: SamplerOptions = {}): Sampler {
  checkArguments(
    'createSampler',
    { engine, model, options },
    { engine: 'Engine', model: modelArgument, 'options?': samplerOptionsKinds },
  );
  const found = samplers.find(([kind]) => kind.name === model.kind.name);
  if (found !== undefined) return found[1](engine, model, options);
  throw new DparError(
    `createSampler: expected a model of kind ${kindNames(generatingKinds)}, got kind "${model.kind.name}". ` +
      'Pass a model that generates images.',
  );
}
