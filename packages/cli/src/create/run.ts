import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatColor, type Rgb } from '@dpar/images';
import { findFolder } from '@dpar/io/node';
import type { Engine } from '@dpar/tensor';
import type { ImageTokenizer } from '@dpar/tokenizer';
import { readTrainerState, trainerFiles } from '@dpar/train/node';
import type { Context } from '../command/command.js';
import { openTokenizer } from '../tokenizer.js';
import { dividePictures, type Pictures, type Split } from './pictures.js';
import type { Plan } from './plan.js';
import { type CreateRecord, type GivenSettings, type Round, writeRecord } from './record.js';
import type { StageName, StageRecord, TokenModel, TrainingStage } from './stage.js';

/** Folder of the grids in the folder of a run. */
export const gridsFolder = 'grids';

/** Wishes of the command line. */
export interface CreateRequest {
  /** Folder of the pictures. */
  readonly pictures: string;
  readonly output: string;
  readonly minutes: number;
  readonly resolution: number | undefined;
  /** Model to start from. */
  readonly from: string | undefined;
  readonly compare: boolean;
  readonly background: Rgb;
  readonly flip: boolean;
  readonly size: string | undefined;
  readonly seed: number;
  readonly set: readonly string[];
}

/** Settings that must not change in a run, by their names on the command line. */
export function givenSettings(request: CreateRequest): GivenSettings {
  const { resolution, from, compare, background, flip, size, seed, set } = request;
  return {
    '--resolution': resolution ?? null,
    '--from': from ?? null,
    '--compare': compare,
    '--background': formatColor(background),
    '--no-flip': !flip,
    '--size': size ?? null,
    '--seed': seed,
    '--set': set,
  };
}

/** The command that makes a run, as a line for a shell. */
export function createCommand(request: CreateRequest): string {
  const { '--seed': seed, ...others } = givenSettings(request);
  const given: GivenSettings = { '--minutes': request.minutes, ...others, ...(seed !== 0 && { '--seed': seed }) };
  const words = Object.entries(given).flatMap(([name, value]): (string | number)[] => {
    if (value === true) return [name];
    if (value === false || value === null || (name === '--background' && value === '#ffffff')) return [];
    if (typeof value !== 'object') return [name, value as string | number];
    return value.length > 0 ? [name, ...value] : [];
  });
  const quoted = (word: string | number): string => (/^[\w./=,+:-]+$/.test(`${word}`) ? `${word}` : `'${word}'`);
  return ['dpar', 'create', request.pictures, '--output', request.output, ...words].map(quoted).join(' ');
}

const clock = (): number => performance.now() / 1000;

/** A run: its record, its pictures, its paths and its time. */
export class CreateRun {
  private split: Split | undefined;
  private timed: { readonly stage: StageRecord; readonly before: number; readonly begun: number } | undefined;

  constructor(
    readonly request: CreateRequest,
    readonly record: CreateRecord,
    /** Number of the round. */
    readonly number: number,
    readonly pictures: Pictures,
    readonly engine: Engine,
    readonly context: Context,
  ) {}

  get round(): Round {
    return this.record.rounds[this.number] as Round;
  }

  get plan(): Plan {
    return this.round.plan;
  }

  /** Training and validation pictures. */
  get parts(): Split {
    this.split ??= dividePictures(this.pictures, this.plan.validationShare, this.plan.training);
    return this.split;
  }

  /** Minutes of this round. */
  get minutes(): number {
    return this.round.minutes - (this.record.rounds[this.number - 1]?.minutes ?? 0);
  }

  path(...names: readonly string[]): string {
    return join(this.request.output, ...names);
  }

  /** Folder of a training run. Those of later rounds have numbers. */
  folder(stage: TrainingStage, round = this.number): string {
    return this.path(round === 0 ? stage : `${stage}-${round + 1}`);
  }

  /** Checkpoint of a trained stage with the lowest validation loss, of all rounds; without validation the last one. */
  async checkpoint(stage: TrainingStage): Promise<string> {
    let best: { readonly folder: string; readonly loss: number } | undefined;
    for (let round = 0; round <= this.number; round++) {
      const folders = ['best', 'last'].map((name) => findFolder(join(this.folder(stage, round), name)));
      const folder = (await Promise.all(folders)).find((found) => found !== undefined);
      if (folder === undefined) continue;
      const loss = await validationLossOf(folder);
      if (best === undefined || loss < best.loss) best = { folder, loss };
    }
    return best?.folder ?? join(this.folder(stage, 0), 'last');
  }

  /** Checkpoint whose weights a model of this round starts from. */
  startOf(name: TokenModel): string | undefined {
    return this.round.start?.folders[name];
  }

  async tokenizer(): Promise<ImageTokenizer> {
    return openTokenizer(await this.checkpoint('tokenizer'), this.engine);
  }

  stage(name: StageName): StageRecord | undefined {
    return this.round.stages.find((stage) => stage.name === name);
  }

  /** Newest figure of a stage, of any round. */
  figure(stage: StageName, name: string): number | undefined {
    const stages = this.record.rounds.flatMap((round) => round.stages.filter((other) => other.name === stage));
    return stages.findLast(({ figures }) => figures[name] !== undefined)?.figures[name];
  }

  /** Starts to count the time of a stage. */
  startStage(stage: StageRecord): void {
    this.timed = { stage, before: stage.seconds, begun: clock() };
  }

  /** Writes the record with the time so far. */
  async save(): Promise<void> {
    if (this.timed !== undefined) {
      const { stage, before, begun } = this.timed;
      stage.seconds = before + clock() - begun;
    }
    await writeRecord(this.request.output, this.record);
  }

  /** Writes that a stage is done. */
  async finishStage(stage: StageRecord): Promise<void> {
    stage.done = true;
    await this.save();
    this.timed = undefined;
  }

  /** Seconds of this round that are left, without the current stage's time since the last save. */
  get secondsLeft(): number {
    return 60 * this.minutes - this.round.stages.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** Stages after a stage. */
  after(stage: StageRecord): StageRecord[] {
    return this.round.stages.slice(this.round.stages.indexOf(stage) + 1);
  }

  /** `DPAR (4 of 6)` */
  numbered(stage: StageRecord, title: string): string {
    const { stages } = this.round;
    return `${title} (${stages.indexOf(stage) + 1} of ${stages.length})`;
  }
}

/** Validation loss of a checkpoint; infinite if none was measured. */
export async function validationLossOf(folder: string): Promise<number> {
  if (!existsSync(join(folder, trainerFiles.state))) return Number.POSITIVE_INFINITY;
  return (await readTrainerState(folder)).validation_loss ?? Number.POSITIVE_INFINITY;
}
