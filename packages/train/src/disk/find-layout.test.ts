import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { writeNpy, writeSafetensors } from '@dpar/io/node';
import { int32 } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { int64, randomVariants, writeLlamaGen, writeShards } from '../testing/disk.js';
import { tinySet } from '../testing/tiny.js';
import { findTokenLayout } from './find-layout.js';

describe('findTokenLayout', () => {
  it("finds LlamaGen's layout by the folder that holds it, or by the codes", async () => {
    const root = await temporaryFolder();
    await writeLlamaGen(root, randomVariants(12, 20));
    const sizes = { form: 'llamagen', images: 12, variants: 20, tokensPerImage: 16 };
    expect(await findTokenLayout(root)).toMatchObject({ ...sizes, path: root });
    expect(await findTokenLayout(join(root, 'tiny_codes'))).toMatchObject(sizes);
    await writeLlamaGen(root, randomVariants(1, 2), 'other');
    await expect(findTokenLayout(root)).rejects.toThrow(
      "got 2 of them: 'other_codes/', 'tiny_codes/'. Name the folder",
    );
    expect(await findTokenLayout(join(root, 'other_codes'))).toMatchObject({ images: 1, variants: 2 });
    await writeNpy(join(root, 'other_codes', '0.npy'), int64([16], new Array(16).fill(0)));
    await expect(findTokenLayout(join(root, 'other_codes'))).rejects.toThrow(
      /\[1, V, T\] or \[V, T\] in '.*0.npy', got I64\[16\]/,
    );
  });

  it('takes shards by the value of the numbers in their names, and entropies for what they are', async () => {
    const folder = await temporaryFolder();
    await writeShards(folder, tinySet(9), [4, 2, 3], true);
    await writeFile(join(folder, 'notes.txt'), '');
    await writeFile(join(folder, 'part-8.entropies.safetensors'), '');
    const layout = await findTokenLayout(folder);
    expect(layout).toMatchObject({ form: 'shards', images: 9, variants: 1, tokensPerImage: 16 });
    expect(layout.shards.map(({ first, images }) => [first, images])).toEqual([
      [0, 4],
      [4, 2],
      [6, 3],
    ]);
    expect(layout.entropies).toBeUndefined(); // the npy pair has none
    expect(await findTokenLayout(join(folder, 'part-8.safetensors'))).toMatchObject({
      images: 4,
      entropies: [{ first: 0 }],
    });
    expect(await findTokenLayout(join(folder, 'part-9_tokens.npy'))).toMatchObject({ images: 2 });
    await rm(join(folder, 'part-9_labels.npy'));
    await expect(findTokenLayout(join(folder, 'part-9_tokens.npy'))).rejects.toThrow('a file without its pair');
  });

  it('says what is missing', async () => {
    const root = await temporaryFolder();
    await expect(findTokenLayout(root)).rejects.toThrow(
      `'<name>_labels' at '${root}', got an empty folder. Check the path.`,
    );
    await expect(findTokenLayout(join(root, 'none'))).rejects.toThrow("none', got none. Check the path.");
    await writeLlamaGen(root, randomVariants(4, 2));
    await rm(join(root, 'tiny_labels', '3.npy'));
    await expect(findTokenLayout(root)).rejects.toThrow(
      `expected a file in '${join(root, 'tiny_labels')}' for each in '${join(root, 'tiny_codes')}', got none for '3.npy'.`,
    );
    await rm(join(root, 'tiny_codes', '1.npy'));
    await expect(findTokenLayout(root)).rejects.toThrow("expected '1.npy' among the 3 numbered files of");
    await rm(join(root, 'tiny_labels'), { recursive: true });
    await expect(findTokenLayout(root)).rejects.toThrow('got 1 other entry. Check the path.');
    await expect(findTokenLayout(join(root, 'tiny_codes'))).rejects.toThrow('tiny_codes');
  });

  it('refuses shards that do not belong together', async () => {
    const folder = await temporaryFolder();
    const { tokens, labels } = tinySet(3);
    await writeSafetensors(join(folder, 'a.safetensors'), { tokens, labels });
    await writeSafetensors(join(folder, 'b.safetensors'), { tokens: int32([6, 8], tokens.data), labels: int32([6]) });
    await expect(findTokenLayout(folder)).rejects.toThrow(
      `1 variants of 16 tokens as in '${join(folder, 'a.safetensors')}', got 1 of 8 in '${join(folder, 'b.safetensors')}'`,
    );
    await writeSafetensors(join(folder, 'b.safetensors'), { tokens, labels: int32([2]) });
    await expect(findTokenLayout(folder)).rejects.toThrow("expected 'labels' of the 3 images of");
    await writeSafetensors(join(folder, 'b.safetensors'), { tokens });
    await expect(findTokenLayout(folder)).rejects.toThrow(
      `expected 'labels' in '${join(folder, 'b.safetensors')}', got 'tokens'`,
    );
  });
});
