import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { toHostTensors } from '@dpar/io';
import { readSafetensors, writeJson, writeSafetensors } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { collectTokens, createSampler, type SampleOptions, type Sampler } from '@dpar/sampler';
import { type HostTensorOf, int32 } from '@dpar/tensor';
import { stepFolder } from '@dpar/train/node';
import type { EvaluationRecipe } from '../recipes.js';
import { digestOf } from './cache.js';
import { samplingCost } from './costs.js';
import type { Lab } from './lab.js';
import { type PatchedData, patchingOf } from './models.js';
import { lastCheckpoint, type Run } from './runs.js';

/** Generated images as tokens. */
export interface Samples {
  /** Digest of everything that determines them. */
  readonly identity: string;
  /** [N, T] */
  readonly tokens: HostTensorOf<'int32'>;
  /** Tokens per patch; 1 for a LlamaGen. */
  readonly meanPatchLength: number;
  /** Seconds of generation. */
  readonly seconds: number;
}

/** Classes of N images, as frequent as among some labels, in a fixed irregular order. */
export function spreadLabels(labels: Int32Array, count: number): Int32Array {
  const order = Int32Array.from(labels).sort();
  return Int32Array.from({ length: count }, (_, i) => {
    // Steps of about the golden ratio visit all shares of the labels evenly.
    const place = ((i + 0.5) * 0.6180339887498949) % 1;
    return order[Math.floor(place * order.length)] as number;
  });
}

/** Images to generate, with everything that determines them. */
interface SamplesRecipe {
  /** Of the images, in progress and records. */
  readonly name: string;
  /** Digest of everything that determines them. */
  readonly identity: string;
  /** Tokens of an image. */
  readonly tokensPerImage: number;
  readonly options: SampleOptions;
  /** Further figures of the record. */
  readonly about: object;
  open(): Promise<Sampler>;
}

/** Generates images, or reads earlier ones. */
export async function samplesOnce(lab: Lab, recipe: SamplesRecipe): Promise<Samples> {
  const { name, identity, tokensPerImage: T, options, about, open } = recipe;
  const images = options.labels.length;
  const path = await lab.cache.place('samples', `${identity}.safetensors`);
  const record = await lab.cache.place('samples', `${identity}.json`);
  const work = { kind: 'samples', identity, name: `Images: ${name}`, total: images * T, cost: samplingCost(images, T) };
  await lab.work.ensure(work, existsSync(record), async (progress) => {
    let patches = 0;
    const sampler = await open();
    const begun = performance.now();
    const generated = await collectTokens(sampler.steps(options), images, T, (done) => progress.update(done));
    for (const lengths of generated.patchLengths) patches += lengths.length;
    const seconds = (performance.now() - begun) / 1000;
    await sampler.dispose();
    await writeSafetensors(path, { tokens: int32([images, T], generated.tokens) });
    await writeJson(record, { name, ...about, meanPatchLength: (images * T) / patches, seconds });
  });
  const { meanPatchLength, seconds } = JSON.parse(await readFile(record, 'utf8'));
  const { tokens } = toHostTensors((await readSafetensors(path)).tensors);
  return { identity, tokens: tokens as HostTensorOf<'int32'>, meanPatchLength, seconds };
}

/** Generates images with a trained model, or reads earlier ones. @param name Of the images, in progress and records. */
export async function sampleOnce(
  lab: Lab,
  name: string,
  run: Run,
  recipe: EvaluationRecipe,
  data: PatchedData,
): Promise<Samples> {
  const { sampling } = lab.settings;
  const { images, batchSize, seed, temperature, topP } = sampling;
  const { model, step = run.steps, guidance = sampling.guidance } = recipe;
  const isDpar = model.kind === 'dpar';
  const { threshold, maxPatchLength } = recipe.patching ? patchingOf(data, recipe.patching) : data.patching;
  const patching = isDpar ? { threshold, maxPatchLength } : undefined;
  const entropyModel = isDpar ? data.run.identity : undefined;
  const { grid, train } = data.grid;
  const labels = spreadLabels(train.labels, images);
  return samplesOnce(lab, {
    name,
    identity: digestOf([run.identity, step, entropyModel, patching, guidance, images, sampling]),
    tokensPerImage: grid * grid,
    options: { labels, batchSize, guidanceScale: guidance, seed, temperature, topP, ...patching },
    about: { run: run.identity, step, guidance, patching },
    open: () => openSampler(lab, stepFolder(run.folder, step), data),
  });
}

/** Opens a sampler of a checkpoint. */
async function openSampler({ engine }: Lab, folder: string, data: PatchedData): Promise<Sampler> {
  return createSampler(engine, await loadModel(folder), { entropyModel: data.model });
}

/** Models that generate images. */
export interface Drawer {
  /** Everything that determines it, as JSON. */
  readonly identity: unknown;
  open(): Promise<Sampler>;
}

/** A trained model with the entropy model of its data. */
export function drawerOf(lab: Lab, run: Run, data: PatchedData): Drawer {
  return {
    identity: [run.identity, data.run.identity],
    open: () => openSampler(lab, lastCheckpoint(run), data),
  };
}
