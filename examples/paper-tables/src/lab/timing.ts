import { availableParallelism } from 'node:os';
import { describeProcessor, type Progress } from '@dpar/example-kit';
import { median } from '@dpar/report';
import { collectTokens } from '@dpar/sampler';
import { readTrainConfig } from '@dpar/train';
import { createTrainer } from '@dpar/train/node';
import type { ModelRecipe } from '../recipes.js';
import { timedRounds } from '../settings.js';
import { generationTimesCost, stepTimesCost } from './costs.js';
import type { GridData } from './images.js';
import type { Lab } from './lab.js';
import { batchKeys, modelKeys, type PatchedData, type Patching } from './models.js';
import { type Drawer, spreadLabels } from './samples.js';

/** Figures of DPAR and of LlamaGen, such as seconds on the same machine. */
export interface Pair {
  readonly dpar: number;
  readonly llamaGen: number;
}

/** Machine of the measurement: times are read from the cache only on the same one. */
const machine = () => [describeProcessor(), availableParallelism()];

/** Measures the median time of a training step for one image. The models take turns; steps that compile do not count. */
export async function stepTimes(
  lab: Lab,
  models: Readonly<Record<keyof Pair, ModelRecipe>>,
  data: PatchedData,
  batchSize: number,
): Promise<Pair> {
  const { timedSteps, seeds } = lab.settings;
  const { grid, files } = data;
  const dpar = modelKeys(lab, models.dpar, data);
  const llamaGen = modelKeys(lab, models.llamaGen, data);
  const recipe = { dpar, llamaGen, data: files.train.digest, batchSize, timedSteps, machine: machine() };
  const cost = stepTimesCost(lab.settings, Object.values(models), batchSize);
  const work = { kind: 'times', name: `Times of steps, ${grid.grid}x${grid.grid}`, total: timedSteps, cost };
  return lab.work.json(work, recipe, async (progress) => {
    const config = (model: object, tokens: string, keys: object) =>
      readTrainConfig({
        model,
        data: { tokens, ...keys },
        steps: 20 * (timedSteps + 2),
        batch_size: batchSize,
        seed: seeds[0] ?? 0,
        initialization: 'narrow',
        output: lab.cache.folder,
      });
    const trainers = [
      await createTrainer(lab.engine, config(dpar, files.train.path, batchKeys)),
      await createTrainer(lab.engine, config(llamaGen, grid.train.path, {})),
    ];
    const runs = trainers.map((trainer) => ({ steps: trainer.run(), seconds: [] as number[], graphs: 0 }));
    while (runs.some(({ seconds }) => seconds.length < timedSteps)) {
      for (const run of runs) {
        const { done, value } = await run.steps.next();
        if (done) {
          const got = run.seconds.length;
          throw new Error(`stepTimes: expected ${timedSteps} steps without compilation, got ${got}. Try again.`);
        }
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

/** A way of generating images. */
interface Way {
  readonly drawer: Drawer;
  /** Patching other than that of the model. */
  readonly patching?: Patching;
}

/**
 * Measures the median time of generating one image with guidance, in seconds, for each of some ways. The ways take turns,
 * a batch each. The first round, which compiles, does not count.
 */
export async function generationTimes(lab: Lab, name: string, grid: GridData, ways: readonly Way[]): Promise<number[]> {
  const { timedImages, sampling } = lab.settings;
  const { guidance, temperature, topP } = sampling;
  const T = grid.grid ** 2;
  const identities = ways.map(({ drawer, patching }) => [drawer.identity, patching]);
  const recipe = { identities, timedImages, timedRounds, guidance, temperature, topP, machine: machine() };
  const cost = generationTimesCost(timedImages, T, ways.length);
  const work = { kind: 'times', name, total: (timedRounds + 1) * ways.length * T, cost };
  return lab.work.json(work, recipe, (progress) => generateInTurns(lab, grid, ways, progress));
}

async function generateInTurns(lab: Lab, { train, grid }: GridData, ways: readonly Way[], progress: Progress) {
  const { timedImages, sampling } = lab.settings;
  const { guidance, temperature, topP } = sampling;
  const labels = spreadLabels(train.labels, timedImages);
  const T = grid * grid;
  const drawers = [...new Set(ways.map(({ drawer }) => drawer))];
  const samplers = await Promise.all(drawers.map((drawer) => drawer.open()));
  const timed = ways.map(({ drawer, patching }) => ({
    sampler: samplers[drawers.indexOf(drawer)] as (typeof samplers)[number],
    patching,
    seconds: [] as number[],
  }));
  for (let round = 0; round <= timedRounds; round++) {
    for (const [i, { sampler, patching, seconds }] of timed.entries()) {
      const begun = performance.now();
      const options = { labels, guidanceScale: guidance, temperature, topP, seed: round, ...patching };
      await collectTokens(sampler.steps(options), timedImages, T, (tokens) =>
        progress.update((ways.length * round + i) * T + Math.floor(tokens / timedImages)),
      );
      if (round > 0) seconds.push((performance.now() - begun) / 1000 / timedImages);
    }
  }
  for (const sampler of samplers) await sampler.dispose();
  return timed.map(({ seconds }) => median(seconds));
}
