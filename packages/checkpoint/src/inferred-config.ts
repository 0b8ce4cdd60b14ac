import type { Json } from '@dpar/nn';
import { DparError } from '@dpar/tensor';

/** A config.json, and the keys that are uncertain. */
export interface InferredConfig {
  readonly config: Json;
  /** Keys with a preset's or a usual value, and the reason: `rope_base 10000 (usual)`. */
  readonly assumed: readonly string[];
  /** Required keys without a source. The configuration lacks them. */
  readonly missing: readonly string[];
}

/** Required keys that no shape depends on: a value for placeholders, and one to show in an error. */
const requiredKeys: Readonly<Record<string, { readonly placeholder: unknown; readonly example: string }>> = {
  n_head: { placeholder: 1, example: '12' },
  block_size: { placeholder: 256, example: '256' },
  embedding_type: { placeholder: null, example: 'dynamic_4d' },
  boundary_head: { placeholder: null, example: '{"hidden_width":256,"neighbours":[1]}' },
};

/** A configuration whose model has the same parameters, with placeholders for the missing keys. */
export function withPlaceholders({ config, missing }: InferredConfig): Json {
  if (missing.length === 0) return config;
  const filled: Record<string, unknown> = { ...config };
  for (const [key, { placeholder }] of Object.entries(requiredKeys))
    if (missing.includes(key)) filled[key] = placeholder;
  if (config.patching !== undefined) filled.patching = { mode: 'token', row_length: 1 };
  return filled;
}

/** @throws DparError that lists the missing keys, if there are any. */
export function checkKeys({ config, missing: [first, ...others] }: InferredConfig): void {
  if (first === undefined) return;
  const example = first === 'patching.threshold' ? '7.8' : (requiredKeys[first]?.example ?? '4');
  throw new DparError(
    `importCheckpoint: expected ${[first, ...others].join(', ')} of this ${config.kind} model, ` +
      'which cannot be inferred from its shapes, got none. ' +
      `Pass them with --config FILE, or as in --set ${first}=${example}.`,
  );
}
