import {
  classRows,
  ones,
  type ParameterSpec,
  type ParameterSpecs,
  stackSpecs,
  standardNormal,
  truncatedNormal,
  zeros,
} from '@dpar/nn';
import { boundaryHeadSpecs } from './boundary-head.js';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';

/** Parameters of a DPAR model under their official names, in the official order. */
export function dparSpecs(config: DparConfig): ParameterSpecs {
  checkArguments('dparKind.specs', { config }, { config: dparConfigKinds });

  const { dim: D, nLocalEncoderLayers, nLocalDecoderLayers } = config;
  const rows = config.vocabSize + (config.predictEoiToken ? 1 : 0);
  const specs: Record<string, ParameterSpec> = {
    'cls_embedding.embedding_table.weight': standardNormal([classRows(config), D]),
    'tok_embeddings.weight': standardNormal([rows, D]),
  };
  Object.assign(specs, stackSpecs('local_encoder.layers', nLocalEncoderLayers, config));
  const crossProjection = truncatedNormal([D, D], D ** -0.5, 3);
  for (let layer = 0; layer < nLocalEncoderLayers; layer++) {
    const cross = `local_encoder.cross_attn_layers.${layer}`;
    specs[`${cross}.cross_attn_norm_q.weight`] = ones([D]);
    specs[`${cross}.cross_attn_norm_kv.weight`] = ones([D]);
    for (const name of ['wq', 'wk', 'wv', 'wo']) specs[`${cross}.${name}.weight`] = crossProjection;
  }
  Object.assign(
    specs,
    stackSpecs('layers', config.nLayer, config),
    stackSpecs('local_decoder.layers', nLocalDecoderLayers, config),
  );
  for (let layer = 0; layer < nLocalDecoderLayers; layer++) {
    const cross = `local_decoder.cross_attn_layers.${layer}`;
    specs[`${cross}.cross_attn_norm_kv.weight`] = ones([D]);
    specs[`${cross}.wo.weight`] = crossProjection;
  }
  specs['decoder_start_embedding.weight'] = standardNormal([1, D]);
  specs['norm.weight'] = ones([D]);
  specs['output.weight'] = zeros([rows, D]);
  return { ...specs, ...boundaryHeadSpecs(config) };
}
