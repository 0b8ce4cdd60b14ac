import { float32, type HostTensor, type Tensors } from '@dpar/tensor';

/** Hugging Face's names (`Dinov2Model`, `Dinov2WithRegistersModel`) and the official ones, outside the blocks. */
const outer: Readonly<Record<string, string>> = {
  'embeddings.cls_token': 'cls_token',
  'embeddings.position_embeddings': 'pos_embed',
  'embeddings.register_tokens': 'register_tokens',
  'embeddings.patch_embeddings.projection.weight': 'patch_embed.proj.weight',
  'embeddings.patch_embeddings.projection.bias': 'patch_embed.proj.bias',
  'layernorm.weight': 'norm.weight',
  'layernorm.bias': 'norm.bias',
};

/** The same within a block. */
const inner: Readonly<Record<string, string>> = {
  'attention.output.dense.weight': 'attn.proj.weight',
  'attention.output.dense.bias': 'attn.proj.bias',
  'layer_scale1.lambda1': 'ls1.gamma',
  'layer_scale2.lambda1': 'ls2.gamma',
  'mlp.weights_in.weight': 'mlp.w12.weight',
  'mlp.weights_in.bias': 'mlp.w12.bias',
  'mlp.weights_out.weight': 'mlp.w3.weight',
  'mlp.weights_out.bias': 'mlp.w3.bias',
};

const projection = 'embeddings.patch_embeddings.projection.weight';

/**
 * Parameters of a DINOv2 by the official names. Names of Hugging Face are converted, also with a prefix such as `dinov2.`, and
 * queries, keys and values are joined.
 */
export function officialNames(parameters: Tensors<HostTensor>): Record<string, HostTensor> {
  const marker = Object.keys(parameters).find((name) => name.endsWith(projection));
  if (marker === undefined) return { ...parameters };
  const prefix = marker.slice(0, -projection.length);
  const official: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(parameters)) {
    if (!name.startsWith(prefix)) continue;
    const own = name.slice(prefix.length);
    const [, block, part = ''] = /^encoder\.layer\.(\d+)\.(.+)$/.exec(own) ?? [];
    if (block === undefined) {
      const known = outer[own];
      if (known !== undefined) official[known] = tensor;
      continue;
    }
    const [, kind] = /^attention\.attention\.query\.(weight|bias)$/.exec(part) ?? [];
    if (kind !== undefined) {
      const names = ['query', 'key', 'value'].map((of) => `${name.slice(0, -`query.${kind}`.length)}${of}.${kind}`);
      const joined = joinRows(names.flatMap((of) => parameters[of] ?? []));
      if (joined !== undefined) official[`blocks.${block}.attn.qkv.${kind}`] = joined;
    } else if (!part.startsWith('attention.attention.')) official[`blocks.${block}.${inner[part] ?? part}`] = tensor;
  }
  return official;
}

/** Joins float32 tensors along their first axis. Undefined unless there are three. */
function joinRows(tensors: readonly HostTensor[]): HostTensor | undefined {
  if (tensors.length !== 3) return undefined;
  const [rows, ...rest] = tensors[0]?.shape ?? [];
  const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.data.length, 0));
  let place = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, place);
    place += tensor.data.length;
  }
  return float32([3 * (rows ?? 0), ...rest], data);
}
