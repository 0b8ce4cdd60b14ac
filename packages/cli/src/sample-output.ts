import { mkdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { writeFileAtomic, writeNpz, writeSafetensors } from '@dpar/io/node';
import { padPatchLengths } from '@dpar/patchify';
import { int32 } from '@dpar/tensor';
import { bytesFromImages, type ImageTokenizer } from '@dpar/tokenizer';
import { CommandError, UsageError } from './errors.js';
import type { Generated } from './generate.js';
import { countImages, gridColumns, gridPng, type Images, imageAt, pngOf } from './images.js';
import { readJsonObject } from './json-file.js';

/** What a path asks for, by how it ends. */
export type OutputKind = 'png' | 'npz' | 'safetensors' | 'folder';

const otherFiles = ['.jpg', '.jpeg', '.webp', '.gif', '.npy', '.json', '.pt', '.zip', '.bin'];

/** @throws UsageError for a kind of file that is not written. */
export function outputKind(path: string): OutputKind {
  const extension = extname(path).toLowerCase();
  if (extension === '.png' || extension === '.npz' || extension === '.safetensors') {
    return extension.slice(1) as OutputKind;
  }
  if (otherFiles.includes(extension)) {
    throw new UsageError(
      `--output: expected a path that ends in .png, .npz or .safetensors, or a folder, got '${path}'.`,
    );
  }
  return 'folder';
}

/** What is generated, as far as it matters for the output. N images. */
export interface SamplePlan {
  readonly output: string;
  /** Number of the first image in its run, of which others may be made elsewhere. */
  readonly first: number;
  /** [N] */
  readonly labels: Int32Array;
  /** T */
  readonly tokensPerImage: number;
  /** How many different classes are asked for. */
  readonly classes: number;
  /** What all images of the run have in common. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Takes generated images, batch by batch. */
export interface SampleWriter {
  /** Whether these images are there from an earlier run. */
  has(start: number, count: number): Promise<boolean>;
  /** Takes images `start` and following. */
  add(start: number, batch: Generated): Promise<void>;
  finish(): Promise<void>;
}

/** A writer of the kind that the path asks for. Only `.safetensors` can do without a tokenizer. */
export async function createSampleWriter(
  plan: SamplePlan,
  tokenizer: ImageTokenizer | undefined,
): Promise<SampleWriter> {
  const kind = outputKind(plan.output);
  if (kind === 'safetensors') return fileWriter(plan, (all) => writeTokens(plan, all));
  if (tokenizer === undefined) throw new UsageError(`expected --tokenizer DIR for '${plan.output}', got none.`);
  if (kind === 'folder') return folderWriter(plan, tokenizer);
  return fileWriter(plan, async ({ tokens }) => {
    const images = await decode(tokenizer, tokens, plan.labels.length);
    if (kind === 'npz') await writeImageArray(plan, images);
    else await writeFileAtomic(plan.output, gridPng(images, gridColumns(plan.labels.length, plan.classes)));
  });
}

async function decode(tokenizer: ImageTokenizer, tokens: Int32Array, count: number): Promise<Images> {
  const images = await tokenizer.decode(int32([count, tokens.length / count], tokens));
  return { data: bytesFromImages(images), size: tokenizer.imageSize };
}

/** Collects all images and writes them at the end. */
function fileWriter({ labels, tokensPerImage: T }: SamplePlan, write: (all: Generated) => Promise<void>): SampleWriter {
  const all = { tokens: new Int32Array(labels.length * T), patchLengths: new Int32Array(labels.length * T) };
  return {
    has: async () => false,
    add: async (start, { tokens, patchLengths }) => {
      all.tokens.set(tokens, start * T);
      all.patchLengths.set(patchLengths, start * T);
    },
    finish: () => write(all),
  };
}

async function writeTokens({ output, labels, tokensPerImage: T }: SamplePlan, all: Generated): Promise<void> {
  const images = Array.from(labels, (_, i) => all.patchLengths.subarray(i * T, (i + 1) * T).filter((n) => n > 0));
  await writeSafetensors(output, {
    tokens: int32([labels.length, T], all.tokens),
    patch_lengths: padPatchLengths(images),
    labels: int32([labels.length], labels),
  });
}

/** As ADM's sample batches: images uint8 [N, S, S, 3] and labels int64 [N]. */
async function writeImageArray({ output, labels }: SamplePlan, { data, size }: Images): Promise<void> {
  const wide = new BigInt64Array(Array.from(labels, BigInt));
  await writeNpz(output, {
    arr_0: { dtype: 'U8', shape: [labels.length, size, size, 3], bytes: data },
    arr_1: { dtype: 'I64', shape: [labels.length], bytes: new Uint8Array(wide.buffer) },
  });
}

/** Name of the file that says what a folder's images are. */
const settingsFile = 'sample.json';

/** Writes each image as it is made: `000012.png` is image 12 of the run, whichever part of it is made here. */
async function folderWriter(plan: SamplePlan, tokenizer: ImageTokenizer): Promise<SampleWriter> {
  const { output, first, settings } = plan;
  await mkdir(output, { recursive: true });
  await agreeOnSettings(join(output, settingsFile), settings);
  const pathOf = (i: number): string => join(output, `${String(first + i).padStart(6, '0')}.png`);
  return {
    has: async (start, count) => {
      const there = await Promise.all(Array.from({ length: count }, (_, i) => exists(pathOf(start + i))));
      return there.every((found) => found);
    },
    add: async (start, { tokens }) => {
      const images = await decode(tokenizer, tokens, tokens.length / plan.tokensPerImage);
      for (let i = 0; i < countImages(images); i++) {
        await writeFileAtomic(pathOf(start + i), pngOf(imageAt(images, i)));
      }
    },
    finish: async () => {},
  };
}

/** Writes the settings into a new folder; in one that has some they must be the same, or images of two runs would mix. */
async function agreeOnSettings(path: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  if (!(await exists(path))) return writeFileAtomic(path, `${JSON.stringify(settings, null, 2)}\n`);
  const there = await readJsonObject(path);
  const key = Object.keys(settings).find((name) => JSON.stringify(there[name]) !== JSON.stringify(settings[name]));
  if (key === undefined) return;
  throw new CommandError(
    `expected '${key}' ${JSON.stringify(there[key])} as in '${path}', which earlier images were made with, ` +
      `got ${JSON.stringify(settings[key])}. Choose another folder, or the same settings to go on.`,
  );
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
