import { join } from 'node:path';
import { calibrateThreshold, entropyKind } from '@dpar/entropy';
import { formatColor } from '@dpar/images';
import { findFolder, readCheckpoint, writeCheckpoint } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { int32 } from '@dpar/tensor';
import { entropiesOfSet, type ModelSettings, type TrainConfig } from '@dpar/train';
import { createDiskSource, findTokenLayout } from '@dpar/train/node';
import type { JsonObject } from '../input-files.js';
import { spread } from '../report/report.js';
import { fixedSteps, tokenizerJson, tokenizerTrainingOf, trainingJson, withPaths, withSettings } from './configs.js';
import { drawingOf, gridClasses } from './drawing.js';
import { rungOfWidth, shares, tokensPerPatch } from './ladder.js';
import { leastSteps, mostSteps, stepShare } from './plan.js';
import { finishRun } from './result.js';
import { type CreateRun, gridsFolder, validationLossOf } from './run.js';
import { type StageName, type StageRecord, stageTitles, type TokenModel, type TrainingStage } from './stage.js';
import { tokenFolders, tokenizePictures } from './tokens.js';
import { measureSteps, runTraining } from './training.js';

/** Work of a stage. Run again after an interruption, it resumes. */
const work: Readonly<Record<StageName, (run: CreateRun, stage: StageRecord) => Promise<void>>> = {
  tokenizer: (run, stage) => trainingStage(run, stage, 'tokenizer'),
  tokens: tokensStage,
  entropy: async (run, stage) => {
    await trainingStage(run, stage, 'entropy');
    stage.figures.threshold = await calibrate(run);
  },
  dpar: (run, stage) => trainingStage(run, stage, 'dpar'),
  llamagen: (run, stage) => trainingStage(run, stage, 'llamagen'),
  result: finishRun,
};

/** Runs the stages of a round that are not done. */
export async function runStages(run: CreateRun): Promise<void> {
  for (const stage of run.round.stages) {
    if (stage.done) continue;
    run.startStage(stage);
    try {
      await work[stage.name](run, stage);
    } catch (error) {
      await run.save().catch(() => {}); // the first error counts
      throw error;
    }
    await run.finishStage(stage);
  }
}

async function tokensStage(run: CreateRun, stage: StageRecord): Promise<void> {
  const { plan, parts, request, context, round } = run;
  if (round.start !== undefined) await keepTokenizer(round.start.tokenizer, join(run.folder('tokenizer'), 'last'));
  const tokenizer = await run.tokenizer();
  const { resolution, crop, flip } = plan;
  const folders = tokenFolders(request.output);
  const { background } = request;
  const shared = { tokenizer, checkpoint: await run.checkpoint('tokenizer'), resolution, background };
  const label = run.numbered(stage, stageTitles.tokens);
  try {
    await tokenizePictures(parts.training, folders.training, { ...shared, crop, flip }, label, context);
    const validation = { ...shared, crop: crop === 'fit' ? crop : 'center', flip: false } as const;
    await tokenizePictures(parts.validation, folders.validation, validation, label, context);
  } finally {
    await tokenizer.dispose();
  }
}

/** Copies the tokenizer that a run starts from. */
async function keepTokenizer(source: string, folder: string): Promise<void> {
  if ((await findFolder(folder)) !== undefined) return;
  const { config, parameters } = await readCheckpoint(source);
  await writeCheckpoint(folder, config, parameters);
}

/** Trains a model. Its configuration is fixed, with its steps, before the first step. */
async function trainingStage(run: CreateRun, stage: StageRecord, name: TrainingStage): Promise<void> {
  const { engine, context } = run;
  stage.config ??= await startingConfig(run, stage, name);
  await run.save();
  const config = await configOf(run, stage.config, name);
  await runTraining(
    engine,
    config,
    {
      title: run.numbered(stage, stageTitles[name]),
      totalLeft: (seconds) => seconds + run.after(stage).reduce((sum, { minutes }) => sum + 60 * minutes, 0),
      onCheckpoint: () => run.save(),
      grids: run.path(gridsFolder),
      // Grids of a tokenizer show reconstructions.
      grid: name === 'tokenizer' ? undefined : run.path('grid.png'),
    },
    context,
  );
  const loss = await validationLossOf(await run.checkpoint(name));
  if (Number.isFinite(loss)) stage.figures.validation_loss = loss;
}

/** The configuration of a stage that starts, after its step is measured. */
async function startingConfig(run: CreateRun, stage: StageRecord, name: TrainingStage): Promise<JsonObject> {
  const { plan, request } = run;
  const jsonOf = (steps: number, stepSeconds: number): JsonObject =>
    withSettings(
      name === 'tokenizer' ? ofTokenizer(run, steps, stepSeconds) : ofModel(run, name, steps, stepSeconds),
      name,
      request.set,
    );
  const usual = name === 'tokenizer' ? tokenizerTrainingOf(plan).usualStep : usualStep;
  const fixed = fixedSteps(name, request.set);
  if (fixed !== undefined) {
    stage.steps = fixed;
    return jsonOf(fixed, usual);
  }
  const config = await configOf(run, jsonOf(stage.steps ?? leastSteps, usual), name);
  const measured = await measureSteps(run.engine, config, run.context);
  await run.save(); // the time so far
  stage.steps = stepsFor(run, stage, name, measured);
  return jsonOf(stage.steps, measured);
}

function ofTokenizer({ plan, request }: CreateRun, steps: number, stepSeconds: number): JsonObject {
  return tokenizerJson({
    ...plan,
    steps,
    stepSeconds,
    areDrawings: plan.crop === 'fit',
    flip: request.flip,
    background: formatColor(request.background),
  });
}

function ofModel(run: CreateRun, name: TokenModel, steps: number, stepSeconds: number): JsonObject {
  const { plan } = run;
  const model = modelSettings(run, name);
  const rung = rungOfWidth(Number(plan.models.dpar?.dim));
  const { learningRate } = name === 'entropy' ? rung.entropy : rung;
  const json = trainingJson({
    model,
    steps,
    stepSeconds,
    batchSize: plan.batchSize,
    learningRate: learningRate * plan.rateFactor,
    seed: plan.seed,
    visits: (steps * plan.batchSize) / plan.training,
  });
  return name === 'entropy' ? json : { ...json, samples: samplesOf(run, steps, stepSeconds) };
}

/** Seconds of a step before it is measured. */
const usualStep = 0.2;

/** Steps of a stage in its share of the time that is left. */
function stepsFor(run: CreateRun, stage: StageRecord, name: TrainingStage, measured: number): number {
  const { plan } = run;
  const later = run.after(stage);
  const isTraining = (other: StageName): other is TrainingStage => other in shares;
  const other = later.filter((each) => !isTraining(each.name)).reduce((sum, { minutes }) => sum + 60 * minutes, 0);
  const ofLater = later.reduce((sum, { name }) => sum + (isTraining(name) ? shares[name] : 0), 0);
  const seconds = ((run.secondsLeft - other) * shares[name]) / (shares[name] + ofLater);
  const most = name === 'tokenizer' ? tokenizerTrainingOf(plan).mostSteps : mostSteps(plan);
  return Math.max(leastSteps, Math.min(most, Math.floor((stepShare * seconds) / measured)));
}

function modelSettings(run: CreateRun, name: TokenModel): ModelSettings {
  const model = run.plan.models[name] as ModelSettings;
  if (name !== 'dpar') return model;
  const threshold = run.figure('entropy', 'threshold') ?? 0;
  return { ...model, patching: { ...Object(model.patching), threshold } };
}

/** Adds paths to the configuration of a stage. */
async function configOf(run: CreateRun, json: JsonObject, name: TrainingStage): Promise<TrainConfig> {
  const output = run.folder(name);
  if (name === 'tokenizer') return withPaths(json, { images: run.pictures.path }, { output });
  const { training, validation } = tokenFolders(run.request.output);
  const data = { tokens: training, validation };
  const start = run.startOf(name);
  const others = { output, ...(start !== undefined && { init_from: start }) };
  if (name === 'entropy') return withPaths(json, data, others);
  const samples = { tokenizer: await run.checkpoint('tokenizer') };
  const entropies = name === 'dpar' ? { entropy_checkpoint: await run.checkpoint('entropy') } : {};
  return withPaths(json, { ...data, ...entropies }, { ...others, samples });
}

/** Seconds of training between grids of images. */
const gridSeconds = 180;

/** Settings of the grids that are drawn in training. */
function samplesOf(run: CreateRun, steps: number, stepSeconds: number): JsonObject {
  const classes = gridClasses(run.pictures.classes.length);
  const { guidanceScale, topP } = drawingOf(run.pictures.classes.length);
  return {
    every: Math.max(1, Math.min(Math.round(gridSeconds / stepSeconds), Math.ceil(steps / 3))),
    classes,
    count: classes.length === 1 ? 9 : 3 * classes.length,
    guidance_scale: guidanceScale,
    top_p: topP,
    seed: run.plan.seed,
  };
}

/** Pictures whose entropies calibrate the threshold. */
const calibrationPictures = 4000;

/** Threshold at which the patches of the training pictures have the usual length. */
async function calibrate(run: CreateRun): Promise<number> {
  const { engine, context, request } = run;
  const model = await loadModel(await run.checkpoint('entropy'), { kinds: [entropyKind] });
  const layout = await findTokenLayout(tokenFolders(request.output).training);
  const source = createDiskSource(layout);
  try {
    const images = Int32Array.from(spread([...Array(layout.images).keys()], calibrationPictures));
    const { tokens } = await source.load(images, new Int32Array(images.length));
    const set = { tokens, labels: int32([images.length]) };
    const entropies = await entropiesOfSet(engine, model, set, { batchSize: 32, signal: context.signal });
    const rowLength = Math.sqrt(layout.tokensPerImage);
    return calibrateThreshold(entropies, { targetMeanPatchLength: tokensPerPatch, maxPatchLength: 4, rowLength })
      .threshold;
  } finally {
    await source.close();
  }
}
