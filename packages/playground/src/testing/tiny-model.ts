import type { EmojiModel } from '@dpar/emoji';
import { entropyKind } from '@dpar/entropy';
import { dparKind, llamaGenKind } from '@dpar/model';
import { initializeParameters, type ModelKind, type ModelOfKind, modelOf } from '@dpar/nn';
import { createRandom } from '@dpar/tensor';
import { patchVqKind } from '@dpar/tokenizer';
import { withHead } from './heads.js';

const shapeOfTokens = { dim: 32, n_head: 2, multiple_of: 32, vocab_size: 48, block_size: 64 };
const patching = { mode: 'entropy_row_boundary', threshold: 2, max_patch_length: 4, row_length: 8 };
const local = { n_local_encoder_layers: 1, n_local_decoder_layers: 1 };

/** A model of random weights that trains quickly: 8 x 8 tokens of images of 16 pixels, with a boundary head. */
export function tinyModel(classes: readonly string[] = ['Cats', 'Dogs', 'Owls']): EmojiModel {
  const shape = { ...shapeOfTokens, num_classes: classes.length };
  return withHead({
    tokenizer: strong(patchVqKind, { image_size: 16, patch_size: 2, codebook_size: 48, hidden_dim: 16 }),
    entropy: drawn(entropyKind, { kind: 'entropy', ...shape, n_layer: 1, cls_token_num: 0 }),
    dpar: drawn(dparKind, { kind: 'dpar', ...shape, ...local, n_layer: 1, patching }),
    llamagen: drawn(llamaGenKind, { kind: 'llamagen', ...shape, n_layer: 2 }),
    classes,
  });
}

/** A model of weights so large that its pictures differ. */
function strong<K extends ModelKind>(kind: K, json: Readonly<Record<string, unknown>>): ModelOfKind<K> {
  const model = drawn(kind, json);
  const random = createRandom(1);
  for (const { data } of Object.values(model.parameters)) random.fillNormal(data as Float32Array, { std: 0.3 });
  return model;
}

function drawn<K extends ModelKind>(kind: K, json: Readonly<Record<string, unknown>>): ModelOfKind<K> {
  return modelOf(kind, json, initializeParameters(kind.specs(kind.readConfig(json)), 3)) as ModelOfKind<K>;
}
