import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { writeCheckpoint, writeClassNames } from '@dpar/io/node';
import { createRandom, float32, type HostTensor } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import type { PartName } from '../model-parts.js';

/** Names of the classes of {@link tinyModel}. */
export const tinyClasses = ['cat', 'dog', 'Animals & Nature', 'tench, Tinca tinca', 'owl'] as const;

/** Fixtures of the parts. */
const fixtures = { dpar: 'dpar-dynamic4d', llamagen: 'llamagen', entropy: 'entropy-model' } as const;

/** Makes a model folder of random weights for the current test: 8x8 tokens of 48 codes, images of 16x16 pixels, 5 classes. */
export async function tinyModel(
  parts: readonly PartName[] = ['tokenizer', 'dpar', 'llamagen', 'entropy'],
): Promise<string> {
  const folder = await temporaryFolder();
  for (const part of parts) {
    if (part === 'tokenizer') await writeTokenizer(join(folder, part));
    else await cp(fixturePath(fixtures[part]), join(folder, part), { recursive: true });
  }
  await writeClassNames(folder, tinyClasses);
  return folder;
}

async function writeTokenizer(folder: string): Promise<void> {
  const config = { imageSize: 16, patchSize: 2, codebookSize: 48, hiddenDim: 16 };
  const random = createRandom(1);
  const weights = Object.entries(patchVqKind.specs(config)).map(([name, { shape }]): [string, HostTensor] => {
    const tensor = float32(shape);
    random.fillNormal(tensor.data, { std: 0.3 });
    return [name, tensor];
  });
  await writeCheckpoint(folder, patchVqKind.writeConfig(config), Object.fromEntries(weights));
}
