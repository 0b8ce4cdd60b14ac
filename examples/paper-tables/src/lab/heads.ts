import { type DparConfig, dparKind } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import type { ImageModel } from '@dpar/nn';
import { createRandom, float32, type HostTensor, int32, named } from '@dpar/tensor';
import { createBoundaryValidator } from '@dpar/train';
import type { ModelRecipe } from '../recipes.js';
import type { Lab } from './lab.js';
import { modelKeys, type PatchedData, runKeys, trainModel } from './models.js';
import { type Patcher, patcherOf } from './patchers.js';
import { lastCheckpoint, type Run, trainOnce } from './runs.js';
import { headSize } from './sizes.js';

/** Heads that are compared: that of the configuration, and one that reads only the state of the token before. */
export const headNeighbours = { 'boundary head': undefined, 'state of the token before': [1] } as const;

/** A trained DPAR with its entropy model, with boundary heads, and with boundaries at random places. */
export async function patchersOf(lab: Lab, recipe: ModelRecipe, data: PatchedData): Promise<Patcher[]> {
  const run = await trainModel(lab, recipe, data);
  const dpar = await loadModel(lastCheckpoint(run), { kinds: [dparKind] });
  const patchers = [patcherOf(lab, 'entropy model', [run.identity, data.run.identity], dpar, data.model)];
  for (const [name, neighbours] of Object.entries(headNeighbours)) {
    const head = await trainHead(lab, name, recipe, run, data, neighbours);
    patchers.push(patcherOf(lab, name, head.identity, await loadModel(lastCheckpoint(head), { kinds: [dparKind] })));
  }
  const [, trained] = patchers as [Patcher, Patcher];
  const random = await withRandomBoundaries(lab, trained.dpar, data);
  return [...patchers, patcherOf(lab, 'random places', [trained.identity, 'random'], random)];
}

async function trainHead(
  lab: Lab,
  name: string,
  recipe: ModelRecipe,
  run: Run,
  data: PatchedData,
  neighbours: readonly number[] | undefined,
): Promise<Run> {
  const { head } = lab.settings;
  const size = headSize(lab.settings, recipe);
  const boundary = { hidden_width: head.hiddenWidth, ...(neighbours && { neighbours }) };
  const { initialization: _, ...keys } = runKeys(head, size, recipe.seed);
  return trainOnce(lab, {
    name: `Head of DPAR ${recipe.label}: ${name}, seed ${recipe.seed}`,
    size,
    keys: { model: { ...modelKeys(lab, recipe, data), boundary_head: boundary }, train: 'boundary_head', ...keys },
    data: data.files,
    initFrom: run,
  });
}

/** A head whose entropies are random numbers for each position, so that all images have the same patches. */
async function withRandomBoundaries(
  lab: Lab,
  { kind, config, parameters }: ImageModel<DparConfig>,
  { grid, entropies }: PatchedData,
): Promise<ImageModel<DparConfig>> {
  const zero = named(parameters, 'boundary_head.layers.0.weight');
  const positions = named(parameters, 'boundary_head.positions.weight');
  const random = new Float32Array(positions.data.length);
  createRandom(0, 0).fillNormal(random, { std: 1 });
  const changed: Record<string, HostTensor> = {
    ...parameters,
    'boundary_head.layers.0.weight': float32(zero.shape),
    'boundary_head.positions.weight': float32(positions.shape, random),
  };
  const validator = createBoundaryValidator(lab.engine, { kind, config });
  const { tokens, labels } = grid.validation;
  const set = { tokens, labels: int32([labels.length], labels), entropies: entropies.validation };
  const { threshold } = await validator.measure(changed, set);
  await validator.dispose();
  const head = config.boundaryHead && { ...config.boundaryHead, threshold };
  return { kind, config: { ...config, boundaryHead: head }, parameters: changed };
}
