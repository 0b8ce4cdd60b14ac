import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolder, recoverFolder } from '@dpar/io/node';
import { isDparError } from '@dpar/tensor';
import type { Context } from '../command/command.js';
import { CommandError, InterruptedError, UsageError } from '../command/errors.js';
import { formatList, formatTable } from '../command/format.js';
import { fixedSteps, modelOf, tokenizerJson, trainingJson, withPaths, withSettings } from './configs.js';
import { ladder, type Rung } from './ladder.js';
import { measureSpeed } from './measure.js';
import { describePictures, dividePictures, lookAtPictures, type Pictures } from './pictures.js';
import { makePlan, pixelsPerToken, shareForValidation } from './plan.js';
import { describeStages } from './plan-text.js';
import {
  type CreateRecord,
  checkResumable,
  chooseRound,
  isFinished,
  type Round,
  readRecord,
  writeRecord,
} from './record.js';
import { type CreateRequest, CreateRun, givenSettings, gridsFolder } from './run.js';
import { type TrainingStage, trainingStages } from './stage.js';
import { runStages } from './stages.js';
import { readStart, type Start } from './start.js';

/** Result of a run. */
export interface Created {
  readonly run: CreateRun;
  /** True if all was done before. */
  readonly wasDone: boolean;
}

/**
 * Makes a model of a folder of pictures, or resumes that work.
 * @throws InterruptedError when it is interrupted; CommandError for pictures or settings that do not fit.
 */
export async function createModel(request: CreateRequest, context: Context): Promise<Created> {
  const { output } = request;
  checkSettings(request);
  const found = await readRecord(output);
  if (found === undefined) await checkFree(output);
  const pictures = await lookAtPictures(request.pictures, request.background, found?.pictures, context);
  context.note(formatList(describePictures(pictures)));
  const record = found ?? newRecord(request, pictures);
  checkResumable(record, givenSettings(request), pictures.facts, output);
  const number = chooseRound(record, request.minutes, output);
  const engine = await context.engine();
  const lock = await lockFolder(output);
  try {
    // What a killed run was writing. Tokens and trained models have folders of their own, which their stages clean.
    for (const folder of [output, join(output, gridsFolder)]) await recoverFolder(folder);
    if (record.rounds[number] === undefined) {
      record.rounds.push(await newRound(request, record, pictures, context));
      await writeRecord(output, record);
    }
    const run = new CreateRun(request, record, number, pictures, engine, context);
    context.note(`\n${formatTable([['stage', 'planned', 'taken', 'work'], ...describeStages(run.round)])}\n`);
    const wasDone = isFinished(run.round);
    await runStages(run);
    return { run, wasDone };
  } catch (error) {
    if (!context.signal.aborted || record.rounds.length === 0) throw error;
    throw new InterruptedError(`interrupted. '${output}' keeps the work so far: run the same command again to resume.`);
  } finally {
    await pictures.set.close();
    await lock.release();
  }
}

function newRecord(request: CreateRequest, pictures: Pictures): CreateRecord {
  return { settings: givenSettings(request), pictures: pictures.facts, rounds: [] };
}

/** @throws CommandError for a folder with other files. */
async function checkFree(output: string): Promise<void> {
  const names = await readdir(output).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const [first] = names.filter((name) => !name.startsWith('.'));
  if (first === undefined) return;
  throw new CommandError(
    `--output: expected a new folder or a run of 'dpar create' at '${output}', got other files, such as '${first}'. Choose another folder.`,
  );
}

/** Checks `--set` before anything runs. @throws UsageError naming the setting. */
function checkSettings({ set, compare, from }: CreateRequest): void {
  const stages = trainingStages.filter(
    (name) => (compare || name !== 'llamagen') && (from === undefined || name !== 'tokenizer'),
  );
  for (const setting of set) {
    const stage = stages.find((name) => setting.startsWith(`${name}.`));
    if (stage !== undefined) continue;
    const names = stages.map((name) => `${name}.`).join(', ');
    throw new UsageError(`--set: expected a key that begins with ${names}, such as dpar.steps=2000, got '${setting}'.`);
  }
  for (const name of stages) {
    try {
      checkStageSettings(name, set);
    } catch (error) {
      if (!isDparError(error)) throw error;
      throw new UsageError(`--set ${name}: ${error.message.replace(/^readTrainConfig: /, '')}`);
    }
  }
}

/** @throws DparError for an invalid key or value among the settings of a stage. */
function checkStageSettings(name: TrainingStage, set: readonly string[]): void {
  const facts = { steps: fixedSteps(name, set) ?? 1000, batchSize: 16, seed: 0, stepSeconds: 1 };
  if (name === 'tokenizer') {
    const shape = { resolution: 64, pixelsPerToken: 4, codes: 1024, flip: true, areDrawings: false };
    const json = tokenizerJson({ ...facts, ...shape, background: 'white', validationShare: 0.05 });
    withPaths(withSettings(json, name, set), { images: '' }, { output: '' });
    return;
  }
  const model = modelOf(name, ladder[0] as Rung, { codes: 1024, tokensPerImage: 256, classes: 1 });
  const samples = name === 'entropy' ? {} : { samples: { every: 1, tokenizer: '' } };
  const json = { ...trainingJson({ ...facts, model, learningRate: 1e-3, visits: 1 }), ...samples };
  withPaths(withSettings(json, name, set), { tokens: '' }, { output: '' });
}

/** Plans a round after a short measurement, which is left out if all steps and the size are given. */
async function newRound(
  request: CreateRequest,
  record: CreateRecord,
  pictures: Pictures,
  context: Context,
): Promise<Round> {
  const { minutes, compare, flip, seed, size, set } = request;
  const engine = await context.engine();
  const before = record.rounds.at(-1);
  const start = await startOf(request, before, context);
  const resolution = start?.resolution ?? request.resolution ?? usualResolution(pictures);
  const factor = start?.pixelsPerToken ?? pixelsPerToken(resolution);
  const classes = pictures.classes.length;
  const shape = { codes: start?.codes ?? 1024, tokensPerImage: (resolution / factor) ** 2, classes };
  const trained: TrainingStage[] = before ? ['dpar'] : start ? ['entropy', 'dpar'] : ['tokenizer', 'entropy', 'dpar'];
  if (compare) trained.push('llamagen');
  const isGiven = size !== undefined && trained.every((name) => fixedSteps(name, set) !== undefined);
  if (!isGiven) context.note('create: measuring the speed of this machine');
  const speed = isGiven ? null : await measureSpeed(engine, shape, context.signal);
  const validationShare = shareForValidation(pictures.set.count);
  const parts = dividePictures(pictures, validationShare);
  const facts = {
    minutes: minutes - (before?.minutes ?? 0),
    training: parts.training.set.count,
    validation: parts.validation.set.count,
    validationShare,
    classes,
    resolution,
    areDrawings: pictures.facts.transparent > pictures.set.count / 2,
    flip,
    compare,
    seed,
    size,
    speed,
    start,
  };
  const { plan, stages } = makePlan(facts);
  return { minutes, plan, stages, ...(start && { start: { tokenizer: start.tokenizer, folders: start.folders } }) };
}

/** Models that a round starts from: those of the round before, or those of --from. */
async function startOf(
  request: CreateRequest,
  before: Round | undefined,
  context: Context,
): Promise<Start | undefined> {
  const engine = await context.engine();
  if (before !== undefined) return readStart(engine, `${request.output}/model`, before.plan);
  if (request.from === undefined) return undefined;
  const start = await readStart(engine, request.from);
  const { resolution } = request;
  if (resolution !== undefined && resolution !== start.resolution) {
    throw new CommandError(
      `--resolution: expected ${start.resolution}, as the tokenizer of '${request.from}' has, got ${resolution}. Leave it out.`,
    );
  }
  return start;
}

/** 64 px, or 32 px if no picture has 48. */
const usualResolution = ({ facts }: Pictures): number => (facts.shorterSides.largest >= 48 ? 64 : 32);
