import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { writeCheckpoint } from '@dpar/io/node';
import { createRandom, float32, type HostTensor } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import { expect } from 'vitest';
import { type CliRun, runCli } from './run-cli.js';

/** Options of a DPAR model: 8x8 tokens of 48 codes, 5 classes. */
export const dpar = [
  '--checkpoint',
  fixturePath('dpar-dynamic4d'),
  '--entropy-checkpoint',
  fixturePath('entropy-model'),
];

/** Options of a LlamaGen model: 8x8 tokens of 48 codes, 5 classes. */
export const llamagen = ['--checkpoint', fixturePath('llamagen')];

/** Runs `dpar sample`, which must not fail. @returns The document of `--json`. */
export async function sample(...argv: string[]) {
  const result = await runCli(['sample', '--quiet', '--threads', '1', '--json', ...argv]);
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
  return JSON.parse(result.stdout);
}

/** Runs `dpar sample`, which must fail with one line and nothing on stdout. */
export async function failingSample(argv: readonly string[], signal?: AbortSignal): Promise<CliRun> {
  const result = await runCli(['sample', '--quiet', '--threads', '1', ...argv], signal);
  expect(result.stdout).toBe('');
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
  return result;
}

/** Folder of a tokenizer of random weights that fits these models; images of 16x16 pixels. */
export async function tokenizerFolder(seed = 1): Promise<string> {
  const folder = join(await temporaryFolder(), 'tokenizer');
  const config = { imageSize: 16, patchSize: 2, codebookSize: 48, hiddenDim: 16 };
  const random = createRandom(seed);
  const weights = Object.entries(patchVqKind.specs(config)).map(([name, { shape }]): [string, HostTensor] => {
    const tensor = float32(shape);
    random.fillNormal(tensor.data, { std: 0.3 });
    return [name, tensor];
  });
  await writeCheckpoint(folder, patchVqKind.writeConfig(config), Object.fromEntries(weights));
  return folder;
}

/** Rows of a tensor [N, ...]. */
export function rowsOf({ shape: [rows = 0], data }: HostTensor): number[][] {
  const length = data.length / rows;
  return Array.from({ length: rows }, (_, i) => [...data.subarray(i * length, (i + 1) * length)]);
}
