import type { KindsOf } from '@dpar/check';
import { DparError, type HostTensor, type Shape, type Tensors } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { checkParameters } from '../feature-weights.js';
import { officialNames } from './names.js';

/** Size of a DINOv2 (Oquab et al. 2023, arXiv:2304.07193). */
export interface Dinov2Config {
  /** Width of the tokens, D: a multiple of 64, the width of a head. */
  readonly width: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Feed-forward network: GELU between two layers (S, B, L), or SwiGLU (g). */
  readonly feedForward: 'mlp' | 'swiglu';
  /** Number of register tokens (Darcet et al. 2023, arXiv:2309.16588): 0, or 4 in the published networks. */
  readonly registers: number;
  /** Patches in a row of the table of positions: 37 in the published networks, which were trained at 518 pixels. */
  readonly grid: number;
}

export const dinov2ConfigKinds: KindsOf<Dinov2Config> = {
  width: 'number',
  depth: 'number',
  feedForward: "'mlp' | 'swiglu'",
  registers: 'number',
  grid: 'number',
};

/** Width and height of a patch in pixels. */
export const patchSize = 14;

/** Width of an attention head. */
export const headWidth = 64;

/** The published sizes, without registers. FD-DINOv2 uses L. */
export const dinov2Presets = {
  'S/14': { width: 384, depth: 12, feedForward: 'mlp', registers: 0, grid: 37 },
  'B/14': { width: 768, depth: 12, feedForward: 'mlp', registers: 0, grid: 37 },
  'L/14': { width: 1024, depth: 24, feedForward: 'mlp', registers: 0, grid: 37 },
  'g/14': { width: 1536, depth: 40, feedForward: 'swiglu', registers: 0, grid: 37 },
} as const satisfies Record<string, Dinov2Config>;

/** Width of SwiGLU's hidden layer: 2/3 of 4 D, rounded up to a multiple of 8. */
const gatedWidth = (width: number): number => 8 * Math.ceil(Math.trunc((8 * width) / 3) / 8);

/** Names and shapes of the parameters, by the official names (`facebookresearch/dinov2`) and in their order. */
export function dinov2Parameters(config: Dinov2Config): Map<string, Shape> {
  checkArguments('dinov2Parameters', { config }, { config: dinov2ConfigKinds });
  const { width: D, depth, feedForward, registers, grid } = config;
  const parameters = new Map<string, Shape>([
    ['cls_token', [1, 1, D]],
    ['pos_embed', [1, 1 + grid * grid, D]],
  ]);
  if (registers > 0) parameters.set('register_tokens', [1, registers, D]);
  const layer = (name: string, weight: Shape): void => {
    parameters.set(`${name}.weight`, weight);
    parameters.set(`${name}.bias`, weight.slice(0, 1));
  };
  layer('patch_embed.proj', [D, 3, patchSize, patchSize]);
  for (let i = 0; i < depth; i++) {
    const block = `blocks.${i}`;
    layer(`${block}.norm1`, [D]);
    layer(`${block}.attn.qkv`, [3 * D, D]);
    layer(`${block}.attn.proj`, [D, D]);
    parameters.set(`${block}.ls1.gamma`, [D]);
    layer(`${block}.norm2`, [D]);
    if (feedForward === 'mlp') {
      layer(`${block}.mlp.fc1`, [4 * D, D]);
      layer(`${block}.mlp.fc2`, [D, 4 * D]);
    } else {
      layer(`${block}.mlp.w12`, [2 * gatedWidth(D), D]);
      layer(`${block}.mlp.w3`, [D, gatedWidth(D)]);
    }
    parameters.set(`${block}.ls2.gamma`, [D]);
  }
  layer('norm', [D]);
  return parameters;
}

/** Checks by the names of parameters that a file holds a DINOv2, by the official names or those of Hugging Face. */
export function isDinov2(parameters: Tensors<HostTensor>): boolean {
  checkArguments('isDinov2', { parameters }, { parameters: 'object' });
  const official = officialNames(parameters);
  return 'cls_token' in official && 'pos_embed' in official && 'patch_embed.proj.weight' in official;
}

/**
 * Infers the size of a DINOv2 from its parameters, and checks all shapes.
 * @param parameters By the official names, or those of Hugging Face (`facebook/dinov2-large`).
 * @throws DparError if they are not those of a DINOv2 with patches of 14 pixels.
 */
export function inferDinov2Config(parameters: Tensors<HostTensor>): Dinov2Config {
  checkArguments('inferDinov2Config', { parameters }, { parameters: 'object' });
  const official = officialNames(parameters);
  const remedy =
    'Use dinov2_vitl14_pretrain.pth of facebookresearch/dinov2, or model.safetensors of facebook/dinov2-large.';
  const [, , width = 0] = official.cls_token?.shape ?? [];
  const [, places = 0] = official.pos_embed?.shape ?? [];
  const blocks = Object.keys(official).map((name) => Number(/^blocks\.(\d+)\./.exec(name)?.[1] ?? -1));
  const config: Dinov2Config = {
    width,
    depth: 1 + blocks.reduce((a, b) => Math.max(a, b), -1),
    feedForward: 'blocks.0.mlp.w12.weight' in official ? 'swiglu' : 'mlp',
    registers: official.register_tokens?.shape[1] ?? 0,
    grid: Math.sqrt(places - 1),
  };
  if (width < headWidth || width % headWidth !== 0 || !Number.isInteger(config.grid) || config.depth === 0) {
    throw new DparError(
      `inferDinov2Config: expected a width that is a multiple of ${headWidth}, a square table of positions and at least one ` +
        `block, got ${width}, ${places - 1} places and ${config.depth} blocks. ${remedy}`,
    );
  }
  checkParameters(official, dinov2Parameters(config), { caller: 'inferDinov2Config', name: 'a DINOv2', remedy });
  return config;
}

/** Display name, such as `DINOv2 ViT-L/14` or `DINOv2 ViT-g/14 with 4 registers`. */
export function dinov2Name({ registers, ...size }: Dinov2Config): string {
  const known = Object.entries(dinov2Presets).find(
    ([, { width, depth, feedForward }]) =>
      width === size.width && depth === size.depth && feedForward === size.feedForward,
  );
  const name = known === undefined ? `ViT of ${size.depth} blocks of width ${size.width}` : `ViT-${known[0]}`;
  return `DINOv2 ${name}${registers > 0 ? ` with ${registers} registers` : ''}`;
}
