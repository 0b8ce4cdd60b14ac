import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { readCheckpointClasses, writeFileAtomic, writeJson } from '@dpar/io/node';
import { countParameters } from '@dpar/nn';
import {
  type MetricsLine,
  parseMetrics,
  type RunRecord,
  type RunStart,
  type SampleGrid,
  type TrainingRun,
  trainingReport,
} from '@dpar/report';
import { isDparError } from '@dpar/tensor';
import { tokenizerMacs } from '@dpar/tokenizer';
import {
  architectureFromSettings,
  isTokenizerConfig,
  readTrainConfig,
  type TrainConfig,
  tokenizerFromSettings,
} from '@dpar/train';
import { runFiles, watchFiles } from '@dpar/train/node';
import { CommandError } from '../command/errors.js';
import { isObject, type JsonObject, readJsonObject } from '../input-files.js';
import { samplePath, samplesFolder } from '../train/samples.js';

/** Path of a run's `run.json`: its end, its machine, and the times of work beside its steps. */
export const recordPath = (output: string): string => join(output, watchFiles.record);

/** Reads the record of a run. @returns undefined if it is missing or invalid. */
export async function readRecord(output: string): Promise<RunRecord | undefined> {
  const value = await jsonOf(recordPath(output));
  return isObject(value) && isObject(value.machine) ? (value as unknown as RunRecord) : undefined;
}

/** Reads the account of the weights that a run starts from. @returns undefined if there is none. */
async function readStart(output: string): Promise<RunStart | undefined> {
  const value = await jsonOf(join(output, runFiles.start));
  return isObject(value) && Array.isArray(value.parts) ? (value as unknown as RunStart) : undefined;
}

async function jsonOf(path: string): Promise<unknown> {
  const text = await textOf(path);
  return text === '' ? undefined : JSON.parse(text);
}

/** Writes the record of a run atomically. */
export async function writeRecord(output: string, record: RunRecord): Promise<void> {
  await writeJson(recordPath(output), record);
}

/** Largest number of sample grids in a report, to limit its size. */
const mostSamples = 12;

/**
 * Reads the output folder of a run, which may be in progress.
 * @throws CommandError if the folder holds no run.
 */
export async function readRun(folder: string): Promise<TrainingRun> {
  const settings = await readJsonObject(join(folder, runFiles.config)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new CommandError(
      `expected the output folder of 'dpar train' (with ${runFiles.config}), got '${folder}'. Check the path.`,
    );
  });
  const metrics = parseMetrics(await textOf(join(folder, runFiles.metrics)));
  const steps = await sampledSteps(folder);
  const samples = await Promise.all(spread(steps, mostSamples).map((step) => readSample(folder, step)));
  const [model, record, start] = [figuresOf(settings, metrics), await readRecord(folder), await readStart(folder)];
  const classes = await readCheckpointClasses(join(folder, runFiles.last));
  return {
    name: basename(resolve(folder)),
    steps: Number(settings.steps),
    settings,
    metrics,
    samples,
    sampleCount: steps.length,
    ...(model && { model }),
    ...(classes && { classes: classes.names }),
    ...(record && { record }),
    ...(start && { start }),
  };
}

/** Size and cost of the model of a run. The metrics have the mean length of its patches. */
function modelFigures(train: TrainConfig, metrics: readonly MetricsLine[]): TrainingRun['model'] {
  if (isTokenizerConfig(train)) {
    const architecture = tokenizerFromSettings(train.model);
    const { encode, decode } = tokenizerMacs(architecture);
    const parameters = countParameters(architecture.kind.specs(architecture.config));
    return { kind: architecture.kind.name, parameters, forwardMacs: encode + decode };
  }
  const { kind, config } = architectureFromSettings(train.model);
  const predicted = kind.predictedTokens(config);
  const patches = metrics.map(({ mean_patch_length: length = 1 }) => predicted / length);
  const mean = patches.length > 0 ? patches.reduce((sum, count) => sum + count, 0) / patches.length : predicted;
  return {
    kind: kind.name,
    parameters: countParameters(kind.specs(config)),
    forwardMacs: kind.matmulMacs(config, mean),
  };
}

/** Figures of the run's model; undefined for a configuration of another version. */
function figuresOf(settings: JsonObject, metrics: readonly MetricsLine[]): TrainingRun['model'] {
  try {
    return modelFigures(readTrainConfig(settings), metrics);
  } catch (error) {
    if (isDparError(error)) return undefined;
    throw error;
  }
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

/** Steps of the sample grids in a folder, ascending. */
async function sampledSteps(folder: string): Promise<number[]> {
  const names = await readdir(samplesFolder(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.flatMap((name) => Number(/^step-(\d{6,})\.png$/.exec(name)?.[1] ?? [])).sort((a, b) => a - b);
}

async function readSample(folder: string, step: number): Promise<SampleGrid> {
  return { step, png: await readFile(samplePath(folder, step)) };
}

/** Picks at most `most` values at even distances, with the first and the last. */
export function spread<V>(values: readonly V[], most: number): V[] {
  if (values.length <= most) return [...values];
  return Array.from(
    { length: most },
    (_, i) => values[Math.round((i * (values.length - 1)) / Math.max(1, most - 1))] as V,
  );
}

/** Writes the report of one or more runs. @returns The runs. */
export async function writeReport(folders: readonly string[], path: string): Promise<TrainingRun[]> {
  const runs = await Promise.all(folders.map(readRun));
  const names = new Set(runs.map(({ name }) => name));
  // Runs with the same folder name are shown by their paths.
  const named = runs.map((run, i) => (names.size < runs.length ? { ...run, name: folders[i] ?? run.name } : run));
  await writeFileAtomic(path, trainingReport(named));
  return named;
}

/** Keeps the report of a run up to date while it trains. */
export class LiveReport {
  private readonly path: string;
  private spent = 0;
  private readonly begun = performance.now();

  constructor(private readonly output: string) {
    this.path = join(output, watchFiles.report);
  }

  /** Updates the report, unless reports have taken more than 2 % of the time so far. */
  async renew(): Promise<void> {
    if (this.spent <= 0.02 * (performance.now() - this.begun)) await this.write();
  }

  /** Updates the report. */
  async write(): Promise<void> {
    const begin = performance.now();
    await writeReport([this.output], this.path);
    this.spent += performance.now() - begin;
  }
}
