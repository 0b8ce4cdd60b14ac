import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { entropyKind } from '@dpar/entropy';
import { IoError } from '@dpar/io';
import { initializeParameters } from '@dpar/nn';
import { describe, expect, it } from 'vitest';
import { dparKind } from './dpar-kind.js';
import { imageModelKinds } from './kinds.js';
import { llamaGenKind } from './llamagen.js';
import { loadModel, saveModel } from './node.js';

const sizes = { dim: 16, n_layer: 1, n_head: 2, multiple_of: 8, vocab_size: 12, block_size: 16, num_classes: 3 };
const patching = { max_patch_length: 3, row_length: 4, threshold: 1 };
const json = { ...sizes, n_local_encoder_layers: 1, n_local_decoder_layers: 1, patching };

const models = imageModelKinds.map((kind) => {
  const config = kind.readConfig(kind === dparKind ? json : sizes);
  return { kind, config, parameters: initializeParameters(kind.specs(config), 1) };
});

/** A folder with the model of a kind. */
async function saved(name: string): Promise<string> {
  const folder = join(await temporaryFolder(), name);
  for (const model of models) if (model.kind.name === name) await saveModel(folder, model);
  return folder;
}

describe('loadModel', () => {
  it.each(models.map((model) => [model.kind.name, model] as const))('loads a saved %s model', async (name, model) => {
    const folder = await saved(name);
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(await loadModel(folder)).toEqual(model);
  });

  it('replaces an existing model', async () => {
    const folder = await saved('dpar');
    const [, llamaGen] = models;
    await saveModel(folder, llamaGen as (typeof models)[number]);
    expect((await loadModel(folder)).kind).toBe(llamaGenKind);
  });

  it('refuses other kinds and unknown ones', async () => {
    const folder = await saved('llamagen');
    await expect(loadModel(folder, { kinds: [entropyKind, dparKind] })).rejects.toThrow(
      `loadModel: expected a model of kind "entropy" or "dpar" in '${folder}', got "llamagen" in its config.json.`,
    );
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...sizes, kind: 'unet' }));
    await expect(loadModel(folder)).rejects.toThrow('got "unet" in its config.json');
    await writeFile(join(folder, 'config.json'), JSON.stringify(sizes));
    await expect(loadModel(folder)).rejects.toThrow("got no 'kind' in its config.json");
  });

  it('refuses a wrong key, and weights of another configuration', async () => {
    const folder = await saved('llamagen');
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...sizes, kind: 'llamagen', n_head: 0 }));
    await expect(loadModel(folder)).rejects.toThrow(
      `loadModel: expected a valid model in '${folder}', got a wrong one.`,
    );
    await expect(loadModel(folder)).rejects.toThrow("expected 'n_head' to be a whole number >= 1, got 0.");
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...sizes, kind: 'llamagen', n_layer: 2 }));
    await expect(loadModel(folder)).rejects.toThrow('missing layers.1.attention.wqkv.weight [48, 16]');
  });

  it('fails with an IoError for a missing folder or file', async () => {
    const folder = await saved('llamagen');
    await expect(loadModel(join(folder, 'missing'))).rejects.toThrow(IoError);
    await expect(loadModel(folder, { weights: 'ema.safetensors' })).rejects.toThrow(IoError);
    await rm(join(folder, 'model.safetensors'));
    await expect(loadModel(folder)).rejects.toThrow('model.safetensors');
  });

  it('reads weights from another file of the folder', async () => {
    const folder = await saved('llamagen');
    await rename(join(folder, 'model.safetensors'), join(folder, 'ema.safetensors'));
    expect(await loadModel(folder, { weights: 'ema.safetensors' })).toEqual(models[1]);
  });

  it('calls onNote with a fault of the files that does not affect the weights', async () => {
    const folder = await saved('llamagen');
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    await loadModel(folder, { onNote });
    expect(notes).toEqual([]);
    await rename(join(folder, 'model.safetensors'), join(folder, 'part.safetensors'));
    const names = Object.keys(models[1]?.parameters ?? {});
    const index = {
      metadata: { total_size: 5 },
      weight_map: Object.fromEntries(names.map((name) => [name, 'part.safetensors'])),
    };
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
    expect(await loadModel(folder, { onNote })).toEqual(models[1]);
    expect(notes).toEqual([expect.stringContaining("'metadata.total_size'")]);
  });
});
