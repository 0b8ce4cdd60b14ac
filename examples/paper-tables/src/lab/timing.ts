import { availableParallelism } from 'node:os';
import { median } from '@dpar/report';
import { collectTokens } from '@dpar/sampler';
import { readTrainConfig } from '@dpar/train';
import { createTrainer } from '@dpar/train/node';
import { describeProcessor } from '../../../emoji/src/machine.js';
import type { Progress } from '../../../emoji/src/progress.js';
import { generationTimesCost, stepTimesCost } from '../plan/costs.js';
import { timedRounds, type Variant } from '../settings.js';
import type { Lab } from './lab.js';
import { batchKeys, dparKeys, llamaGenKeys, type PatchedData } from './models.js';
import { lastCheckpoint, type Run } from './runs.js';
import { type OpenSampler, openSampler, spreadLabels } from './samples.js';

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
      await createTrainer(lab.engine, config(dpar, data.files.train.path, batchKeys)),
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

/** How images are generated that are timed. */
interface TimedGeneration {
  readonly sampler: OpenSampler;
  /** Patching other than in training. */
  readonly patching?: { readonly threshold: number; readonly maxPatchLength: number };
}

/**
 * Median time of generating one image with guidance, of a batch, for each of some ways: a batch of each in turn, so that what
 * else the machine does meets all; the first round, which compiles, does not count. Patches are of all timed images.
 */
async function generationInTurns(
  { settings: { timedImages, sampling } }: Lab,
  { train, grid }: PatchedData['grid'],
  ways: readonly TimedGeneration[],
  progress: Progress,
): Promise<{ readonly seconds: number; readonly meanPatchLength: number }[]> {
  const { guidance, temperature, topP } = sampling;
  const labels = spreadLabels(train.labels, timedImages);
  const T = grid * grid;
  const timed = ways.map(() => ({ seconds: [] as number[], patches: 0 }));
  for (let round = 0; round <= timedRounds; round++) {
    for (const [i, { sampler, patching }] of ways.entries()) {
      const begun = performance.now();
      const options = { labels, guidanceScale: guidance, temperature, topP, seed: round, ...patching };
      const { patchLengths } = await collectTokens(sampler.steps(options), timedImages, T, (done) =>
        progress.update((ways.length * round + i) * T + done),
      );
      const way = timed[i];
      if (round === 0 || way === undefined) continue;
      way.seconds.push((performance.now() - begun) / 1000 / timedImages);
      way.patches += patchLengths.reduce((sum, lengths) => sum + lengths.length, 0);
    }
  }
  return timed.map(({ seconds, patches }) => ({
    seconds: median(seconds),
    meanPatchLength: (timedRounds * timedImages * T) / patches,
  }));
}

/** What decides on times of generation, with the models. */
function generationRecipe({ settings: { timedImages, sampling } }: Lab) {
  const { guidance, temperature, topP } = sampling;
  return { timedImages, timedRounds, guidance, temperature, topP, machine: machine() };
}

/** Steps that the progress of timed generation counts to. */
const generationSteps = (ways: number, T: number): number => (timedRounds + 1) * ways * T;

/** Time of generating one image with DPAR and LlamaGen. */
export async function generationTimes(
  lab: Lab,
  data: PatchedData,
  runs: { readonly dpar: Run; readonly llamaGen: Run },
): Promise<Times & { readonly meanPatchLength: number }> {
  const identities = [runs.dpar.identity, runs.llamaGen.identity, data.run.identity];
  const { grid } = data.grid;
  const T = grid * grid;
  const work = {
    ...{ kind: 'times', name: `Times of generation, ${grid}x${grid}`, total: generationSteps(2, T) },
    cost: generationTimesCost(lab.settings.timedImages, T, 2),
  };
  return lab.work.json(work, { identities, ...generationRecipe(lab) }, async (progress) => {
    const samplers = [
      await openSampler(lab, lastCheckpoint(runs.dpar), data),
      await openSampler(lab, lastCheckpoint(runs.llamaGen), undefined),
    ];
    try {
      const ways = samplers.map((sampler) => ({ sampler }));
      const [dpar, llamaGen] = await generationInTurns(lab, data.grid, ways, progress);
      return {
        dpar: dpar?.seconds ?? Number.NaN,
        llamaGen: llamaGen?.seconds ?? Number.NaN,
        meanPatchLength: dpar?.meanPatchLength ?? Number.NaN,
      };
    } finally {
      for (const sampler of samplers) await sampler.dispose();
    }
  });
}

/** Seconds of generating one image with a DPAR that patches as each of some options say. */
export async function patchingTimes(
  lab: Lab,
  data: PatchedData,
  run: Run,
  patchings: readonly { readonly threshold: number; readonly maxPatchLength: number }[],
): Promise<number[]> {
  const { grid } = data.grid;
  const T = grid * grid;
  const work = {
    ...{ kind: 'times', name: 'Times of generation with larger patches', total: generationSteps(patchings.length, T) },
    cost: generationTimesCost(lab.settings.timedImages, T, patchings.length),
  };
  const recipe = { identities: [run.identity, data.run.identity], patchings, ...generationRecipe(lab) };
  return lab.work.json(work, recipe, async (progress) => {
    const sampler = await openSampler(lab, lastCheckpoint(run), data);
    try {
      const ways = patchings.map((patching) => ({ sampler, patching }));
      return (await generationInTurns(lab, data.grid, ways, progress)).map(({ seconds }) => seconds);
    } finally {
      await sampler.dispose();
    }
  });
}
