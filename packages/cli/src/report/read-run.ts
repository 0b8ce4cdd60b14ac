import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { countParameters } from '@dpar/nn';
import { type MetricsLine, parseMetrics, type SampleGrid, type TrainingRun } from '@dpar/report';
import { isDparError } from '@dpar/tensor';
import { architectureFromSettings, readTrainConfig, type TrainConfig } from '@dpar/train';
import { runFiles } from '@dpar/train/node';
import { CommandError } from '../errors.js';
import { type JsonObject, readJsonObject } from '../json-file.js';
import { readRecord } from '../train/record.js';
import { samplePath, samplesFolder } from '../train/samples.js';

/** Most grids of samples that a report holds: each is as large as its file. */
const mostSamples = 12;

/**
 * Reads the output folder of a run, at any time of it.
 * @throws CommandError if it holds no run.
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
  const [model, record] = [figuresOf(settings, metrics), await readRecord(folder)];
  return {
    name: basename(resolve(folder)),
    steps: Number(settings.steps),
    settings,
    metrics,
    samples,
    sampleCount: steps.length,
    ...(model && { model }),
    ...(record && { record }),
  };
}

/** Size and cost of the model of a run. The metrics have the lengths of its patches. */
function modelFigures(settings: TrainConfig['model'], metrics: readonly MetricsLine[]): TrainingRun['model'] {
  const { kind, config } = architectureFromSettings(settings);
  const predicted = kind.predictedTokens(config);
  const patches = metrics.map(({ mean_patch_length: length = 1 }) => predicted / length);
  const mean = patches.length > 0 ? patches.reduce((sum, count) => sum + count, 0) / patches.length : predicted;
  return {
    kind: kind.name,
    parameters: countParameters(kind.specs(config)),
    forwardMacs: kind.matmulMacs(config, mean),
  };
}

/** Undefined for a configuration of another version, whose model this one may not know. */
function figuresOf(settings: JsonObject, metrics: readonly MetricsLine[]): TrainingRun['model'] {
  try {
    return modelFigures(readTrainConfig(settings).model, metrics);
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

/** Steps of the grids that are there, ascending. */
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

/** At most `most` of some values, evenly spread, the first and the last among them. */
export function spread<V>(values: readonly V[], most: number): V[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, i) => values[Math.round((i * (values.length - 1)) / (most - 1))] as V);
}
