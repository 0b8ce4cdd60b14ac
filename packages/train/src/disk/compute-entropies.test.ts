import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import { entropyKind } from '@dpar/entropy';
import { checkpointIdentity, readCheckpoint, writeCheckpoint, writeNpy } from '@dpar/io/node';
import { loadModel } from '@dpar/model/node';
import { createReferenceEngine } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { entropiesOfSet } from '../batches/entropies.js';
import { countPatches } from '../batches/patch-counts.js';
import { entropyCheckpoint, int64, randomVariants, writeLlamaGen, writeShards } from '../testing/disk.js';
import { tinyModel, tinySet } from '../testing/tiny.js';
import { withEntropies } from './attach-entropies.js';
import { computeEntropies } from './compute-entropies.js';
import { createDiskSource } from './disk-source.js';
import { entropyParts, findEntropies } from './entropy-parts.js';
import { findTokenLayout } from './find-layout.js';

const engine = createReferenceEngine();

/** An entropy model and its identity, as `computeEntropies` takes them. */
async function loadEntropyModel(folder: string) {
  const model = await loadModel(folder, { kinds: [entropyKind] });
  return { model, identity: await checkpointIdentity(folder) };
}

describe('computeEntropies', () => {
  it("computes all variants of LlamaGen's layout in parts, and goes on where it stopped", async () => {
    const engine = await createOrtEngine({ threads: 1 });
    const root = await temporaryFolder();
    const V = 1500; // 4096 sequences a part: 2 images
    const data = randomVariants(5, V);
    await writeLlamaGen(root, data);
    const layout = await findTokenLayout(root);
    const { model, identity } = await loadEntropyModel(await entropyCheckpoint());
    const controller = new AbortController();
    const onProgress = (done: number) => done > 3 && controller.abort(new Error('stopped'));
    const first = computeEntropies(engine, model, layout, {
      identity,
      batchSize: 500,
      onProgress,
      signal: controller.signal,
    });
    await expect(first).rejects.toThrow('stopped');
    const folder = join(root, 'tiny_entropies');
    expect(await readdir(folder)).toEqual(['entropies-00000.safetensors']);
    await expect(withEntropies(layout)).rejects.toThrow('expected all 3 files with entropies of');
    const written = (await stat(join(folder, 'entropies-00000.safetensors'))).mtimeMs;

    const progress: number[] = [];
    const second = await computeEntropies(engine, model, layout, {
      identity,
      batchSize: 500,
      onProgress: (done, images) => progress.push(done / images),
    });
    expect(second).toEqual({ written: 2, skipped: 1, images: 5 });
    expect(progress[0]).toBeCloseTo((2 + 1 / 3) / 5, 10);
    expect(progress.at(-1)).toBe(1);
    expect((await stat(join(folder, 'entropies-00000.safetensors'))).mtimeMs).toBe(written);
    expect((await computeEntropies(engine, model, layout, { identity })).written).toBe(0);

    const source = createDiskSource(await withEntropies(layout));
    const rows = [0, 1, V - 1, V, 3 * V + 7, 5 * V - 1];
    const images = Int32Array.from(rows, (row) => Math.floor(row / V));
    const batch = await source.load(
      images,
      Int32Array.from(rows, (row) => row % V),
    );
    const expected = await entropiesOfSet(engine, model, batch);
    await engine.dispose();
    expected.data.forEach((value, i) => {
      expect(batch.entropies?.data[i]).toBeCloseTo(value, 5);
    });
    const dpar = tinyModel('dpar');
    const counts = await countPatches(dpar, source);
    expect(rows.map((row) => counts?.[row])).toEqual([
      ...(dpar.kind.patchCounts(dpar.config, rows.length, batch.entropies) ?? []),
    ]);
  });

  it('writes beside shards or elsewhere, in shares', async () => {
    const [folder, elsewhere] = [await temporaryFolder(), await temporaryFolder()];
    const { tokens, labels } = tinySet(10);
    await writeShards(folder, { tokens, labels }, [4, 3, 3], true);
    const layout = await findTokenLayout(folder);
    const { model, identity } = await loadEntropyModel(await entropyCheckpoint());
    const names = ['part-8.entropies.safetensors', 'part-9_entropies.safetensors', 'part-10.entropies.safetensors'];
    expect(entropyParts(layout).map(({ path }) => path)).toEqual(names.map((name) => join(folder, name)));
    for (const index of [0, 1]) {
      const share = { index, count: 2 };
      const { written, images } = await computeEntropies(engine, model, layout, { identity, folder: elsewhere, share });
      expect([written, images]).toEqual(
        [
          [2, 7],
          [1, 3],
        ][index],
      );
    }
    expect((await readdir(elsewhere)).sort()).toEqual([...names].sort());
    expect((await withEntropies(layout)).entropies).toBeUndefined();
    const all = createDiskSource(await withEntropies(layout, elsewhere, identity));
    const expected = await entropiesOfSet(engine, model, { tokens, labels });
    expect(await all.readEntropies(0, 10)).toEqual(expected.data);
    // Files of entropies are no shards.
    await computeEntropies(engine, model, layout, { identity });
    expect((await findTokenLayout(folder)).images).toBe(10);
  });

  it('refuses entropies of another model, of other tokens, and damaged ones', async () => {
    const root = await temporaryFolder();
    const data = randomVariants(3, 2);
    await writeLlamaGen(root, data);
    const layout = await findTokenLayout(root);
    const [model, other] = [
      await loadEntropyModel(await entropyCheckpoint()),
      await loadEntropyModel(await entropyCheckpoint(2)),
    ];
    expect(other.identity).not.toBe(model.identity);
    await computeEntropies(engine, model.model, layout, { identity: model.identity });
    const path = join(root, 'tiny_entropies', 'entropies-00000.safetensors');
    const stale = `expected entropies of the checkpoint ${other.identity}, as for the given entropy model, got ${model.identity} in '${path}'. They are stale`;
    await expect(computeEntropies(engine, other.model, layout, { identity: other.identity })).rejects.toThrow(stale);
    await expect(withEntropies(layout, undefined, other.identity)).rejects.toThrow(stale);
    const bytes = await readFile(path);
    await truncate(path, 100);
    await expect(findEntropies(layout)).rejects.toThrow(path);
    await writeFile(path, bytes);
    expect((await findEntropies(layout)).missing).toEqual([]);
    await writeNpy(join(root, 'tiny_codes', '2.npy'), int64([2, 16], new Array(32).fill(3)));
    await expect(withEntropies(layout)).rejects.toThrow(
      /expected entropies of the tokens sha256:\w+ in '.*', got sha256:/,
    );
    await rm(path);
    expect(await withEntropies(layout)).toEqual(layout);
  });

  it('names the image whose tokens the entropy model does not know', async () => {
    const root = await temporaryFolder();
    await writeLlamaGen(root, randomVariants(3, 2));
    await writeNpy(join(root, 'tiny_codes', '1.npy'), int64([2, 16], new Array(32).fill(6)));
    const { model, identity } = await loadEntropyModel(await entropyCheckpoint());
    await expect(computeEntropies(engine, model, await findTokenLayout(root), { identity })).rejects.toThrow(
      `from 0 to 5, got 6 in image 1 ('${join(root, 'tiny_codes', '1.npy')}')`,
    );
    await expect(loadEntropyModel(join(root, 'none'))).rejects.toThrow();
    const checkpoint = await entropyCheckpoint();
    const { config, parameters } = await readCheckpoint(checkpoint);
    await writeCheckpoint(checkpoint, { ...config, kind: 'llamagen' }, parameters);
    await expect(loadEntropyModel(checkpoint)).rejects.toThrow('expected a model of kind "entropy"');
  });
});
