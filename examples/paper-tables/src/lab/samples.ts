import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHostTensors } from '@dpar/io';
import { readCheckpoint, readSafetensors, writeJson, writeSafetensors } from '@dpar/io/node';
import { readDparConfig, readLlamaGenConfig } from '@dpar/model';
import { collectTokens, DparSampler, LlamaGenSampler, type SampleOptions, type SampleStep } from '@dpar/sampler';
import { type HostTensorOf, int32 } from '@dpar/tensor';
import { stepFolder } from '@dpar/train/node';
import type { Progress } from '../../../emoji/src/progress.js';
import { samplingCost } from '../plan/costs.js';
import { digestOf } from './cache.js';
import type { Lab } from './lab.js';
import type { PatchedData } from './models.js';
import type { Run } from './runs.js';

/** What is generated. */
export interface SampleRecipe {
  readonly name: string;
  readonly run: Run;
  /** Entropy model of a DPAR; undefined for a LlamaGen. */
  readonly patches?: PatchedData | undefined;
  /** Step of the checkpoint; the last by default. */
  readonly step?: number | undefined;
  /** Scale of guidance; that of the settings by default. */
  readonly guidance?: number | undefined;
  /** Patching other than in training. */
  readonly patching?: { readonly threshold: number; readonly maxPatchLength: number } | undefined;
  /** Images; as many as the settings say by default. */
  readonly images?: number | undefined;
}

/** Images that a model generated, as tokens. */
export interface Samples {
  /** Of all that decides on them. */
  readonly identity: string;
  /** [N, T] */
  readonly tokens: HostTensorOf<'int32'>;
  /** Tokens per patch; 1 for a LlamaGen. */
  readonly meanPatchLength: number;
  /** Of generation alone. */
  readonly seconds: number;
}

/** Classes of N images as frequent as among some labels, in random order that is always the same. */
export function spreadLabels(labels: Int32Array, count: number): Int32Array {
  const order = Int32Array.from(labels).sort();
  return Int32Array.from({ length: count }, (_, i) => {
    // Steps of about the golden ratio visit all shares of the labels evenly.
    const place = ((i + 0.5) * 0.6180339887498949) % 1;
    return order[Math.floor(place * order.length)] as number;
  });
}

/** Generates images with a model of the lab, or reads those that it generated before. */
export async function sampleOnce(lab: Lab, recipe: SampleRecipe): Promise<Samples> {
  const { sampling, patching: usual } = lab.settings;
  const { run, patches, step = run.steps, guidance = sampling.guidance, images = sampling.images } = recipe;
  const patching =
    (recipe.patching ?? patches)
      ? {
          threshold: recipe.patching?.threshold ?? patches?.threshold,
          maxPatchLength: recipe.patching?.maxPatchLength ?? usual.maxPatchLength,
        }
      : undefined;
  const { seed, temperature, topP } = sampling;
  const identity = digestOf([run.identity, step, patches?.run.identity, patching, guidance, images, sampling]);
  const path = await lab.cache.place('samples', `${identity}.safetensors`);
  const record = await lab.cache.place('samples', `${identity}.json`);
  const T = await tokensOf(run);
  const work = {
    ...{ kind: 'samples', identity, name: `Images: ${recipe.name}` },
    ...{ total: images * T, cost: samplingCost(images, T) },
  };
  await lab.work.ensure(work, existsSync(record), async (progress) => {
    const options = { guidanceScale: guidance, seed, temperature, topP, ...patching };
    const folder = stepFolder(run.folder, step);
    const { tokens, ...rest } = await generate(lab, folder, patches, images, T, options, progress);
    await writeSafetensors(path, { tokens });
    await writeJson(record, { name: recipe.name, run: run.identity, step, guidance, patching, ...rest });
  });
  const { meanPatchLength, seconds } = JSON.parse(await readFile(record, 'utf8'));
  const { tokens } = toHostTensors((await readSafetensors(path)).tensors);
  return { identity, tokens: tokens as HostTensorOf<'int32'>, meanPatchLength, seconds };
}

/** Generates images in batches, of classes as frequent as among the training images. Time is of generation alone. */
async function generate(
  lab: Lab,
  folder: string,
  patches: PatchedData | undefined,
  images: number,
  T: number,
  options: Omit<SampleOptions, 'labels' | 'firstIndex'>,
  progress: Progress,
): Promise<Omit<Samples, 'identity'>> {
  const { batchSize } = lab.settings.sampling;
  const { train } = await lab.data.at('google', Math.sqrt(T));
  const all = spreadLabels(train.labels, images);
  const tokens = int32([images, T]);
  let patchCount = 0;
  const sampler = await openSampler(lab, folder, patches);
  try {
    const begun = performance.now();
    for (let first = 0; first < images; first += batchSize) {
      const labels = all.subarray(first, first + batchSize);
      const generated = await collectTokens(
        sampler.steps({ ...options, labels, firstIndex: first }),
        labels.length,
        T,
        (done) => progress.update(first * T + done * labels.length),
      );
      tokens.data.set(generated.tokens, first * T);
      for (const lengths of generated.patchLengths) patchCount += lengths.length;
    }
    const seconds = (performance.now() - begun) / 1000;
    return { tokens, meanPatchLength: (images * T) / patchCount, seconds };
  } finally {
    await sampler.dispose();
  }
}

async function tokensOf(run: Run): Promise<number> {
  const { config } = await readCheckpoint(join(run.folder, 'last'));
  return Number(config.block_size);
}

/** What both samplers have. */
export interface OpenSampler {
  steps(options: SampleOptions): AsyncIterable<SampleStep>;
  dispose(): Promise<void>;
}

/** A sampler of a checkpoint. */
export async function openSampler(lab: Lab, folder: string, patches: PatchedData | undefined): Promise<OpenSampler> {
  const { config, parameters } = await readCheckpoint(folder);
  if (patches === undefined) return new LlamaGenSampler(lab.engine, { config: readLlamaGenConfig(config), parameters });
  return new DparSampler(lab.engine, { config: readDparConfig(config), parameters }, patches.model);
}
