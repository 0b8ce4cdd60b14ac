import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type StoredTensor, toHostTensor } from '@dpar/io';
import {
  agreeOnSettings,
  type ItemRange,
  PartFolder,
  readNpy,
  type Settings,
  writeNpy,
  writeSettings,
} from '@dpar/io/node';
import { int32 } from '@dpar/tensor';
import { diskSource, findTokenLayout } from '@dpar/train/node';
import { writeClasses } from './classes.js';

/** Name of the file that says what the tokens of a folder are made of. */
const settingsFile = 'tokenize.json';

/** What is written: N images in V variants of T tokens. */
export interface TokenPlan {
  readonly output: string;
  readonly images: number;
  readonly variants: number;
  readonly tokensPerImage: number;
  /** Images that are tokenized, and kept, together. */
  readonly partImages: number;
  /** What decides on the tokens. */
  readonly settings: Settings;
  readonly classes: readonly string[] | undefined;
}

/** Keeps tokens, part by part. */
export interface TokenWriter {
  /** [N]: 1 for images of parts that are kept. */
  readonly there: Uint8Array;
  /** Keeps a part: tokens [count * V * T] and labels [count]. */
  add(range: ItemRange, tokens: Int32Array, labels: Int32Array): Promise<void>;
  /** Reads the tokens of an image that is kept, [V * T]. */
  read(image: number): Promise<Int32Array>;
}

/**
 * Safetensors files `000000-000255.safetensors` with `tokens` [n, V, T] int32, [n, T] for one variant, and `labels` [n].
 * @throws IoError if the folder holds other tokens or something else.
 */
export async function createShardWriter(plan: TokenPlan): Promise<TokenWriter> {
  const { output, images, variants: V, tokensPerImage: T, settings, classes } = plan;
  const shape = V === 1 ? [T] : [V, T];
  const types = { tokens: ['I32', shape], labels: ['I32', []] } as const;
  const parts = await PartFolder.open(output, { first: 0, count: images, types, settings, settingsFile });
  return {
    there: parts.there,
    async add(range, tokens, labels) {
      const { count } = range;
      await parts.add(range, { tokens: int32([count, ...shape], tokens), labels: int32([count], labels) });
      if (classes !== undefined) await writeClasses(output, classes);
    },
    async read(image) {
      // Parts of other shares may be missing.
      const place = parts.there.subarray(0, image).reduce((sum, value) => sum + value, 0);
      return diskSource(await findTokenLayout(output)).readTokens(place, 1);
    },
  };
}

/**
 * LlamaGen's layout: `<name>_codes/<i>.npy` with [1, V, T] and `<name>_labels/<i>.npy` with [1], both int64.
 * @throws IoError if the folder holds other tokens.
 */
export async function createLlamaGenWriter(plan: TokenPlan, name: string): Promise<TokenWriter> {
  const { output, images, variants: V, tokensPerImage: T, partImages, settings, classes } = plan;
  const [codes, labelled] = ['codes', 'labels'].map((what) => join(output, `${name}_${what}`)) as [string, string];
  const settingsPath = join(output, settingsFile);
  if (!(await agreeOnSettings(settingsPath, settings, `choose another folder than '${output}'`))) {
    await mkdir(output, { recursive: true });
    await writeSettings(settingsPath, settings);
  }
  const [codeNames, labelNames] = await Promise.all([codes, labelled].map(namesIn));
  const there = new Uint8Array(images);
  for (let start = 0; start < images; start += partImages) {
    const end = Math.min(images, start + partImages);
    let whole = true;
    for (let i = start; i < end; i++) whole &&= both(`${i}.npy`);
    if (whole) there.fill(1, start, end);
  }
  function both(file: string): boolean {
    return codeNames?.has(file) === true && labelNames?.has(file) === true;
  }
  return {
    there,
    async add({ start, count }, tokens, labels) {
      if (classes !== undefined) await writeClasses(output, classes);
      for (let i = 0; i < count; i++) {
        const file = `${start + i}.npy`;
        await writeNpy(join(codes, file), int64([1, V, T], tokens.subarray(i * V * T, (i + 1) * V * T)));
        await writeNpy(join(labelled, file), int64([1], labels.subarray(i, i + 1)));
      }
      there.fill(1, start, start + count);
    },
    read: async (image) => Int32Array.from(toHostTensor(await readNpy(join(codes, `${image}.npy`))).data),
  };
}

async function namesIn(folder: string): Promise<Set<string>> {
  await mkdir(folder, { recursive: true });
  return new Set(await readdir(folder));
}

function int64(shape: readonly number[], values: Int32Array): StoredTensor {
  const data = BigInt64Array.from(values, BigInt);
  return { dtype: 'I64', shape, bytes: new Uint8Array(data.buffer) };
}
