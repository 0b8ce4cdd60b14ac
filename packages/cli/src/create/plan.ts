import type { ModelSettings } from '@dpar/train';
import { costOf, matchingLlamaGen, modelOf, type TokenShape, tokenizerTrainingOf } from './configs.js';
import { chooseRung, ladder, type Rung, shares, batchSize as usualBatch, visitsPerVariant } from './ladder.js';
import { type Speed, stepSeconds } from './measure.js';
import type { StageName, StageRecord, TokenModel, TrainingStage } from './stage.js';

/** Models and data of a round. */
export interface Plan {
  /** Width and height of the drawn pictures, in pixels. */
  readonly resolution: number;
  /** Width and height of the square of a token, in pixels. */
  readonly pixelsPerToken: number;
  /** Codes of the tokenizer. */
  readonly codes: number;
  /** Name of the models' size in the ladder; that of models to start from is `given`. */
  readonly size: string;
  /** `model` keys of the models of tokens. */
  readonly models: Readonly<Partial<Record<TokenModel, ModelSettings>>>;
  /** Factor of the usual learning rates: below 1 for models that are trained already. */
  readonly rateFactor: number;
  readonly batchSize: number;
  /** Pictures for training and for validation. */
  readonly training: number;
  readonly validation: number;
  /** Share of the pictures that is held out for validation. */
  readonly validationShare: number;
  /** Variants of a training picture: see `CropOptions`. */
  readonly crop: 'center' | 'ten' | 'fit';
  readonly flip: boolean;
  readonly seed: number;
  readonly speed: Speed | null;
}

/** Facts about the pictures and the wishes that a plan follows from. */
export interface PlanFacts {
  readonly minutes: number;
  /** Pictures for training, of which the plan may take a part, and for validation. */
  readonly training: number;
  readonly validation: number;
  readonly validationShare: number;
  readonly classes: number;
  readonly resolution: number;
  /** True for drawings on a background, which are shown whole; false for photographs, which fill a square that is cut out. */
  readonly areDrawings: boolean;
  readonly flip: boolean;
  readonly compare: boolean;
  readonly seed: number;
  /** Name of a size; undefined to choose by time. */
  readonly size: string | undefined;
  readonly speed: Speed | null;
  /** Models to start from. */
  readonly start?: StartingModels | undefined;
}

/** Models that a round continues: their tokenizer is kept. */
export interface StartingModels {
  readonly codes: number;
  readonly pixelsPerToken: number;
  readonly models: Readonly<Partial<Record<TokenModel, ModelSettings>>>;
  /** Tokens of an earlier round, which stay; so does its entropy model. */
  readonly tokens?: Pick<Plan, 'training' | 'validation' | 'validationShare' | 'crop' | 'flip'> | undefined;
}

/** Pixels of a token: grids of 8 x 8 tokens at 32 px, else of 16 x 16. */
export const pixelsPerToken = (resolution: number): number => (resolution > 64 ? resolution / 16 : 4);

/** Share of pictures that is held out for validation. More of many pictures would only take time, and less of few would tell nothing. */
export function shareForValidation(images: number): number {
  return Math.min(512, Math.max(images / 20, Math.min(16, images / 8))) / images;
}

/** Share of the minutes that is not training: tokens, entropies, drawing, compiling. */
const otherShare = 0.15;

/** Share of a training stage's time in its steps. The rest are validations, checkpoints and grids. */
export const stepShare = 0.85;

/** Ten crops of a picture keep small sets of pictures interesting. Large sets need none. */
const manyPictures = 2000;

/** Views of pictures in a step from which a second variant of each is worth its time. */
const viewsForVariants = 1.5;

/** Makes the plan of a round, and its stages with minutes and steps. */
export function makePlan(facts: PlanFacts): { readonly plan: Plan; readonly stages: StageRecord[] } {
  const {
    minutes,
    training: most,
    validation,
    validationShare,
    classes,
    resolution,
    speed,
    start,
    seed,
    compare,
  } = facts;
  const factor = start?.pixelsPerToken ?? pixelsPerToken(resolution);
  const tokensPerImage = (resolution / factor) ** 2;
  const names = stagesOf(facts);
  const batchSize = Math.min(usualBatch, Math.max(1, Math.floor(most / 2)));
  const trained = names.filter((name): name is TrainingStage => name !== 'tokens' && name !== 'result');
  const share = (parts: readonly TrainingStage[]): number => parts.reduce((sum, name) => sum + shares[name], 0);
  const all = 60 * minutes * (1 - otherShare);
  const tokenizer = tokenizerTrainingOf({ resolution, pixelsPerToken: factor, codes: 1024 });
  const tokenizerSteps = trained.includes('tokenizer')
    ? Math.min(tokenizer.mostSteps, (stepShare * all * shares.tokenizer) / share(trained) / tokenizer.usualStep)
    : 0;
  const tokenizerSeconds = (tokenizerSteps * tokenizer.usualStep) / stepShare;
  const ofTokens = share(trained.filter((name) => name !== 'tokenizer'));
  const seconds = (name: TrainingStage): number =>
    name === 'tokenizer' ? tokenizerSeconds : ((all - tokenizerSeconds) * shares[name]) / ofTokens;
  const stepsIn = (name: TrainingStage, each: number): number => Math.floor((stepShare * seconds(name)) / each);

  const secondsOf = (model: ModelSettings): number =>
    speed === null ? unknownStep : stepSeconds(speed, batchSize * costOf(model).flop);
  const dparOf = (rung: Rung): ModelSettings => modelOf('dpar', rung, { codes: rung.codes, tokensPerImage, classes });
  const rung =
    ladder.find(({ name }) => name === facts.size) ??
    chooseRung({
      seconds: stepShare * seconds('dpar'),
      stepSeconds: (rung) => secondsOf(dparOf(rung)),
      parameters: (rung) => costOf(dparOf(rung)).parameters,
      batchSize,
      tokensPerImage,
      images: most,
    });
  const codes = start?.codes ?? rung.codes;
  const models = modelsOf(rung, { codes, tokensPerImage, classes }, compare, start);

  const dparSteps = stepsIn('dpar', secondsOf(models.dpar as ModelSettings));
  const views = dparSteps * batchSize;
  // More pictures than the models will see need not be read.
  const enough = speed === null ? most : Math.min(most, Math.max(views, 1000));
  const varied = speed === null || views > viewsForVariants * enough;
  const ten = varied && !facts.areDrawings && facts.flip && enough < manyPictures;
  const fresh = {
    training: enough,
    validation,
    validationShare,
    crop: facts.areDrawings ? ('fit' as const) : ten ? ('ten' as const) : ('center' as const),
    flip: varied && facts.flip && !ten,
  };
  const { training, crop, flip, ...held } = start?.tokens ?? fresh;
  const plan: Plan = {
    resolution,
    pixelsPerToken: factor,
    codes,
    size: start === undefined ? rung.name : 'given',
    models,
    rateFactor: start === undefined ? 1 : 0.5,
    batchSize,
    training,
    validation: held.validation,
    validationShare: held.validationShare,
    crop,
    flip,
    seed,
    speed,
  };
  const stages = names.map((name): StageRecord => {
    const record = { name, seconds: 0, done: false, figures: {} };
    if (name === 'tokens') return { ...record, minutes: minutes * otherShare * 0.6 };
    if (name === 'result') return { ...record, minutes: minutes * otherShare * 0.4 };
    if (name === 'tokenizer') {
      const steps = Math.max(leastSteps, Math.floor(tokenizerSteps));
      return { ...record, minutes: seconds(name) / 60, steps };
    }
    const model = models[name] as ModelSettings;
    const steps = Math.max(leastSteps, Math.min(mostSteps(plan), stepsIn(name, secondsOf(model))));
    const planned = Math.min(seconds(name), (steps * secondsOf(model)) / stepShare);
    return { ...record, minutes: planned / 60, steps };
  });
  return { plan, stages };
}

/** Most steps of a model of tokens: more visits of each picture would only learn it by heart. */
export function mostSteps({ crop, flip, training, batchSize }: Plan): number {
  const variants = crop === 'ten' ? 10 : flip ? 2 : 1;
  return Math.ceil((visitsPerVariant * variants * training) / batchSize);
}

/** Fewest steps of a training stage. */
export const leastSteps = 20;

/** Seconds of a step if nothing was measured, because all steps are given. */
const unknownStep = 0.2;

/** Stages of a round. A round that continues another one has its tokenizer, tokens and entropy model. */
function stagesOf({ start, compare }: PlanFacts): StageName[] {
  const models: StageName[] = ['dpar', ...(compare ? (['llamagen'] as const) : []), 'result'];
  if (start?.tokens !== undefined) return models;
  return [...(start === undefined ? (['tokenizer'] as const) : []), 'tokens', 'entropy', ...models];
}

function modelsOf(rung: Rung, shape: TokenShape, compare: boolean, start: StartingModels | undefined): Plan['models'] {
  const given = (stage: TokenModel): ModelSettings => {
    const { models = {} } = start ?? {};
    const model = models[stage];
    return model === undefined ? modelOf(stage, rung, shape) : { ...model, num_classes: shape.classes };
  };
  const dpar = given('dpar');
  const models = { entropy: given('entropy'), dpar };
  if (!compare) return models;
  const llamagen = given('llamagen');
  return { ...models, llamagen: start?.models.llamagen ? llamagen : matchingLlamaGen(llamagen, dpar) };
}
