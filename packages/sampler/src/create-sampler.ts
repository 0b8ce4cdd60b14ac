import { type DparConfig, dparKind, type LlamaGenConfig, llamaGenKind } from '@dpar/model';
import {
  architectureArgument,
  type ImageArchitecture,
  type ImageModel,
  type ImageModelKind,
  kindNames,
  type Model,
  modelArgument,
} from '@dpar/nn';
import { DparError, type Engine } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { DparSampler } from './dpar.js';
import { LlamaGenSampler } from './llamagen.js';
import { type SamplerOptions, samplerOptionsKinds } from './options.js';
import type { Sampler } from './sampler.js';

/** Sampler of a kind of models. */
interface SamplerOfKind {
  readonly kind: ImageModelKind;
  create(engine: Engine, model: Model, options: SamplerOptions): Sampler;
  needsEntropyModel(config: object): boolean;
}

/** Samplers of the kinds of models that generate. A new kind joins this list. */
const samplers: readonly SamplerOfKind[] = [
  {
    kind: dparKind,
    create: (engine, model, options) => new DparSampler(engine, model as Model<DparConfig>, options),
    needsEntropyModel: (config) =>
      dparKind.needsEntropies(config as DparConfig) && (config as DparConfig).boundaryHead === undefined,
  },
  {
    kind: llamaGenKind,
    create: (engine, model, options) => new LlamaGenSampler(engine, model as Model<LlamaGenConfig>, options),
    needsEntropyModel: () => false,
  },
];

/** Kinds of models that generate images. */
export const generatingKinds: readonly ImageModelKind[] = /* @__PURE__ */ samplers.map(({ kind }) => kind);

/** True if a model can generate only with an entropy model: its patches depend on entropies, and it has no boundary head. */
export function needsEntropyModel(model: ImageArchitecture): boolean {
  checkArguments('needsEntropyModel', { model }, { model: architectureArgument });
  return samplers.some(({ kind, needsEntropyModel: needs }) => kind.name === model.kind.name && needs(model.config));
}

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
  const found = samplers.find(({ kind }) => kind.name === model.kind.name);
  if (found !== undefined) return found.create(engine, model, options);
  throw new DparError(
    `createSampler: expected a model of kind ${kindNames(generatingKinds)}, got kind "${model.kind.name}". ` +
      'Pass a model that generates images.',
  );
}
