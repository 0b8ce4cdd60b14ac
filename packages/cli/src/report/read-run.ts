import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type MetricsLine, parseMetrics, type SampleGrid, type TrainingRun } from '@dpar/report';
import { isDparError } from '@dpar/tensor';
import { readTrainConfig } from '@dpar/train';
import { runFiles } from '@dpar/train/node';
import { CommandError } from '../errors.js';
import { type JsonObject, readJsonObject } from '../json-file.js';
import { readRecord } from '../train/record.js';
import { samplePath, samplesFolder } from '../train/samples.js';
import { modelFigures } from './model-figures.js';

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

/** Figures of the run's model; undefined for a configuration of another version. */
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
  return Array.from({ length: most }, (_, i) => values[Math.round((i * (values.length - 1)) / (most - 1))] as V);
}
