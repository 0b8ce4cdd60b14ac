import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entropyKind } from '@dpar/entropy';
import { dparKind } from '@dpar/model';
import { saveModel } from '@dpar/model/node';
import { initializeParameters, type ModelKind, modelOf } from '@dpar/nn';
import { vqKind } from '@dpar/tokenizer';
import sharp from 'sharp';

/** Classes with names that need care in HTML, in paths and in menus. */
export const oddClasses = ['Äpfel & Birnen', '<b>fett', 'a  b', '  spaces ', '"quoted"', '#1 100%', '日本', 'Ω'];

const transformer = {
  dim: 32,
  n_head: 2,
  multiple_of: 32,
  vocab_size: 64,
  block_size: 64,
  num_classes: oddClasses.length,
};

/** Configurations of a small model of 8 x 8 tokens: images of 32 pixels by a convolutional tokenizer. */
const configs: Readonly<Record<string, readonly [ModelKind, object]>> = {
  tokenizer: [
    vqKind,
    {
      kind: 'vq',
      ch: 32,
      ch_mult: [1, 1, 2],
      num_res_blocks: 1,
      z_channels: 32,
      codebook_size: 64,
      codebook_embed_dim: 8,
      image_size: 32,
    },
  ],
  entropy: [entropyKind, { kind: 'entropy', ...transformer, n_layer: 1, cls_token_num: 0 }],
  dpar: [
    dparKind,
    {
      kind: 'dpar',
      ...transformer,
      n_layer: 2,
      n_local_encoder_layers: 1,
      n_local_decoder_layers: 1,
      patching: { mode: 'entropy_row_boundary', threshold: 4.1, max_patch_length: 4, row_length: 8 },
    },
  ],
};

/**
 * Writes a run of `dpar create` with random weights, without a boundary head and without a LlamaGen: `create.json`, and
 * `model/` with two pictures, one of them in the folder of its class.
 */
export async function writeSmallRun(folder: string): Promise<void> {
  const model = join(folder, 'model');
  for (const [name, [kind, json]] of Object.entries(configs)) {
    const parameters = initializeParameters(kind.specs(kind.readConfig(json)), 3);
    await saveModel(join(model, name), modelOf(kind, json, parameters));
  }
  await writeFile(join(folder, 'create.json'), '{}');
  await writeFile(join(model, 'classes.json'), JSON.stringify(oddClasses));
  const examples = join(model, 'examples');
  await mkdir(join(examples, 'Ω'), { recursive: true });
  const plain = (background: string) => sharp({ create: { width: 40, height: 40, channels: 3, background } });
  await plain('#d33').png().toFile(join(examples, 'red #1 & more.png'));
  await plain('#36c')
    .jpeg()
    .toFile(join(examples, 'Ω', 'blau.jpg'));
}
