import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine, medianStepSeconds, type Stages, validationCurve } from '@dpar/example-kit';
import { writeFileAtomic, writeJson } from '@dpar/io/node';
import { countParameters } from '@dpar/nn';
import { type MetricsLine, parseMetrics } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import { architectureFromSettings, readTrainConfig, type TrainConfig } from '@dpar/train';
import { runFiles, train } from '@dpar/train/node';
import { prepareModel } from '../weights/train.js';
import { type LearningResult, type LearningResults, learningPage, spreadCurve, verdict } from './report.js';
import { kinds, learningRun, seeds } from './settings.js';
import { takeTurns } from './take-turns.js';

/**
 * Trains DPAR and LlamaGen of equal size from several seeds each. Compares how the validation loss falls with steps,
 * operations and time. Started again, it resumes interrupted runs.
 * @param folder Folder of `makeModel`, whose tokenizer, tokens and entropy model are used, or made.
 * @returns The verdict and the path of the report.
 */
export async function compareLearning(engine: Engine, folder: string, stages: Stages): Promise<string> {
  const { numClasses, threshold } = await prepareModel(engine, folder, stages);
  const configs = { dpar: [] as TrainConfig[], llamagen: [] as TrainConfig[] };
  for (const seed of seeds) {
    for (const kind of kinds) {
      configs[kind].push(readTrainConfig(learningRun(kind, folder, seed, numClasses, threshold)));
    }
    const pair = kinds.map((kind) => configs[kind].at(-1) as TrainConfig);
    const runs = pair.map((config) => ({ name: config.model.kind, steps: train(engine, config, { resume: true }) }));
    const steps = pair[0]?.steps ?? 0;
    await stages.run(`DPAR and LlamaGen, seed ${seed}`, steps, (progress) => takeTurns(runs, progress));
  }
  const results: LearningResults = {
    machine: describeMachine(),
    engine: engine.name,
    command: 'npm run demo -- --learning DIR',
    models: { dpar: await resultOf(configs.dpar), llamagen: await resultOf(configs.llamagen) },
  };
  const output = join(folder, 'learning');
  await mkdir(output, { recursive: true });
  await writeJson(join(output, 'results.json'), results);
  await writeFileAtomic(join(output, 'report.html'), learningPage(results));
  return `${verdict(results.models)}\nReport: ${join(output, 'report.html')}`;
}

/** Figures of the runs of one kind. */
async function resultOf(configs: readonly TrainConfig[]): Promise<LearningResult> {
  const runs = await Promise.all(
    configs.map(async ({ output }) => parseMetrics(await readFile(join(output, runFiles.metrics), 'utf8'))),
  );
  const [{ model: settings, batch_size: batchSize = 0 }] = configs as [TrainConfig];
  const { kind, config } = architectureFromSettings(settings);
  const macs = kind.matmulMacs(config, kind.predictedTokens(config) / meanPatchLength(runs));
  // Two operations for each multiply-accumulate; a backward pass costs twice as much as a forward pass.
  const flopPerImage = 6 * macs;
  return {
    parameters: countParameters(kind.specs(config)),
    gigaFlopPerImage: flopPerImage / 1e9,
    stepSeconds: medianStepSeconds(runs.flat()),
    points: spreadCurve(runs.map((metrics) => validationCurve(metrics, flopPerImage * batchSize))),
  };
}

/** Harmonic mean, which gives the mean number of patches. */
function meanPatchLength(runs: readonly (readonly MetricsLine[])[]): number {
  const lengths = runs.flat().map((line) => line.mean_patch_length ?? 1);
  return lengths.length / lengths.reduce((sum, length) => sum + 1 / length, 0);
}
