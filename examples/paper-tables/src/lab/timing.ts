import { availableParallelism } from 'node:os';
import { collectTokens } from '@dpar/sampler';
import { readTrainConfig } from '@dpar/train';
import { createTrainer } from '@dpar/train/node';
import { describeProcessor } from '../../../emoji/src/machine.js';
import { median } from '../../../emoji/src/stages/training.js';
import { generationTimesCost, stepTimesCost } from '../plan/costs.js';
import type { Variant } from '../settings.js';
import type { Lab } from './lab.js';
import { batchKeys, dparKeys, llamaGenKeys, type PatchedData } from './models.js';
import { lastCheckpoint, type Run } from './runs.js';
import { openSampler, spreadLabels } from './samples.js';

/** Seconds of DPAR and of LlamaGen on the same machine, in turns. */
export interface Times {
  readonly dpar: number;
  readonly llamaGen: number;
}

/** Times of steps or generation are of the machine that they were taken on. */
const machine = () => [describeProcessor(), availableParallelism()];

/** Median time of a training step for one image: a step of each model in turn; steps that compile do not count. */
export async function stepTimes(lab: Lab, variant: Variant, data: PatchedData, batchSize: number): Promise<Times> {
  const { timedSteps, seeds } = lab.settings;
  const { grid } = data;
  const dpar = dparKeys(lab, variant, data);
  const llamaGen = llamaGenKeys(lab, variant, grid);
  const recipe = { dpar, llamaGen, data: data.files.train.digest, batchSize, timedSteps, machine: machine() };
  const work = {
    ...{ kind: 'times', name: `Times of steps, ${grid.grid}x${grid.grid}`, total: timedSteps },
    cost: stepTimesCost(lab.settings, variant, grid.grid, batchSize),
  };
  return lab.work.json(work, recipe, async (progress) => {
    const config = (model: object, tokens: string, keys: object) =>
      readTrainConfig({
        model,
        data: { tokens, ...keys },
        ...{ steps: 20 * (timedSteps + 2), batch_size: batchSize, seed: seeds[0] ?? 0, initialization: 'narrow' },
        output: lab.cache.folder,
      });
    const trainers = [
      await createTrainer(lab.engine, config(dpar, data.files.train.path, batchKeys(lab))),
      await createTrainer(lab.engine, config(llamaGen, grid.train.path, {})),
    ];
    const runs = trainers.map((trainer) => ({ steps: trainer.run(), seconds: [] as number[], graphs: 0 }));
    while (runs.some(({ seconds }) => seconds.length < timedSteps)) {
      for (const run of runs) {
        const { done, value } = await run.steps.next();
        if (done) throw new Error(`stepTimes: expected ${timedSteps} steps that compile nothing, got fewer.`);
        if (value.graphs === run.graphs) run.seconds.push(value.seconds);
        run.graphs = value.graphs;
      }
      progress.update(Math.min(timedSteps, ...runs.map(({ seconds }) => seconds.length)));
    }
    for (const trainer of trainers) await trainer.dispose();
    const [first, second] = runs.map(({ seconds }) => median(seconds) / batchSize);
    return { dpar: first as number, llamaGen: second as number };
  });
}

/** Time of generating one image with guidance, of a batch; the first batch of each model, which compiles, does not count. */
export async function generationTimes(
  lab: Lab,
  data: PatchedData,
  runs: { readonly dpar: Run; readonly llamaGen: Run },
): Promise<Times & { readonly meanPatchLength: number }> {
  const { timedImages, sampling } = lab.settings;
  const { guidance, temperature, topP } = sampling;
  const identities = [runs.dpar.identity, runs.llamaGen.identity, data.run.identity];
  const recipe = { identities, timedImages, guidance, temperature, topP, machine: machine() };
  const { grid } = data.grid;
  const T = grid * grid;
  const work = {
    ...{ kind: 'times', name: `Times of generation, ${grid}x${grid}`, total: 4 * T },
    cost: generationTimesCost(timedImages, T),
  };
  return lab.work.json(work, recipe, async (progress) => {
    const labels = spreadLabels(data.grid.train.labels, timedImages);
    const samplers = [
      await openSampler(lab, lastCheckpoint(runs.dpar), data),
      await openSampler(lab, lastCheckpoint(runs.llamaGen), undefined),
    ];
    const seconds = [0, 0];
    let patches = 0;
    for (const [round, i] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      const sampler = samplers[i];
      if (sampler === undefined) continue;
      const begun = performance.now();
      const options = { labels, guidanceScale: guidance, temperature, topP, seed: round };
      const { patchLengths } = await collectTokens(sampler.steps(options), labels.length, T, (done) =>
        progress.update((2 * round + i) * T + done),
      );
      seconds[i] = (performance.now() - begun) / 1000 / timedImages;
      if (i === 0) patches = patchLengths.reduce((sum, lengths) => sum + lengths.length, 0);
    }
    for (const sampler of samplers) await sampler.dispose();
    const meanPatchLength = (timedImages * T) / patches;
    return { dpar: seconds[0] as number, llamaGen: seconds[1] as number, meanPatchLength };
  });
}
