import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, writeJson } from '@dpar/io/node';
import { dparMatmulMacs, llamaGenMatmulMacs, readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { countParameters } from '@dpar/nn';
import { type MetricsLine, median, parseMetrics } from '@dpar/report';
import type { Engine } from '@dpar/tensor';
import { modelFromSettings, readTrainConfig, type TrainConfig } from '@dpar/train';
import { runFiles, train } from '@dpar/train/node';
import { describeMachine } from '../machine.js';
import type { Progress, Stages } from '../progress.js';
import { prepareModel } from '../shipped/make-model.js';
import { spread, validationCurve } from './curve.js';
import { type LearningResult, type LearningResults, learningPage, verdict } from './report.js';
import { type Kind, kinds, learningRun, seeds } from './settings.js';

/**
 * Trains DPAR and LlamaGen of equal size, each from several seeds, and compares how the validation loss falls with steps,
 * operations and time. Started again, it goes on where it was.
 * @param folder That of `makeModel`, whose tokenizer, tokens and entropy model are used, or made.
 * @returns What follows, and the path of the report.
 */
export async function compareLearning(engine: Engine, folder: string, stages: Stages): Promise<string> {
  const { numClasses, threshold } = await prepareModel(engine, folder, stages);
  const configs = seeds.map((seed) =>
    kinds.map((kind) => readTrainConfig(learningRun(kind, folder, seed, numClasses, threshold))),
  );
  for (const [i, pair] of configs.entries()) {
    const steps = pair[0]?.steps ?? 0;
    await stages.run(`DPAR and LlamaGen, seed ${seeds[i]}`, steps, (progress) => takeTurns(engine, pair, progress));
  }
  const results: LearningResults = {
    machine: describeMachine(),
    engine: engine.name,
    command: 'npm run demo -- --learning DIR',
    models: {
      dpar: await resultOf(
        'dpar',
        configs.map(([dpar]) => dpar as TrainConfig),
      ),
      llamagen: await resultOf(
        'llamagen',
        configs.map(([, llamagen]) => llamagen as TrainConfig),
      ),
    },
  };
  const report = join(folder, 'learning', 'report.html');
  await mkdir(join(folder, 'learning'), { recursive: true });
  await writeJson(join(folder, 'learning', 'results.json'), results);
  await writeFileAtomic(report, learningPage(results));
  return `${verdict(results.models)}\nReport: ${report}`;
}

/** A step of each run in turn: whatever else the machine does slows both down alike. */
async function takeTurns(engine: Engine, configs: readonly TrainConfig[], progress: Progress): Promise<void> {
  const notes = new Map<string, string>();
  let running = configs.map((config) => ({ kind: config.model.kind, steps: train(engine, config, { resume: true }) }));
  while (running.length > 0) {
    const left: typeof running = [];
    for (const run of running) {
      const { done, value: metrics } = await run.steps.next();
      if (done) continue;
      left.push(run);
      notes.set(run.kind, `${run.kind} ${metrics.loss.toFixed(3)}`);
      progress.update(metrics.step, [...notes.values()].join(', '));
    }
    running = left;
  }
}

async function resultOf(kind: Kind, configs: readonly TrainConfig[]): Promise<LearningResult> {
  const runs = await Promise.all(
    configs.map(async ({ output }) => parseMetrics(await readFile(join(output, runFiles.metrics), 'utf8'))),
  );
  const [first] = configs;
  const model = modelFromSettings((first as TrainConfig).model);
  const macs =
    kind === 'dpar'
      ? dparMatmulMacs(readDparConfig(model.configJson), model.predictedTokens / meanPatchLength(runs))
      : llamaGenMatmulMacs(readLlamaGenConfig(model.configJson));
  // Two operations each, and a backward pass costs twice as much as a forward pass.
  const flopPerImage = 6 * macs;
  const flopPerStep = flopPerImage * ((first as TrainConfig).batch_size ?? 0);
  return {
    parameters: countParameters(model.specs),
    gigaFlopPerImage: flopPerImage / 1e9,
    stepSeconds: median(runs.flat().map(({ seconds = Number.NaN }) => seconds)),
    points: spread(runs.map((metrics) => validationCurve(metrics, flopPerStep))),
  };
}

/** Harmonic, so that it gives the mean number of patches. */
function meanPatchLength(runs: readonly (readonly MetricsLine[])[]): number {
  const lengths = runs.flat().map((line) => line.mean_patch_length ?? 1);
  return lengths.length / lengths.reduce((sum, length) => sum + 1 / length, 0);
}
