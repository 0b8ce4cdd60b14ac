import { countParameters } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { dparMacs, llamaGenMacs } from './macs.js';
import { dparPreset, llamaGenPreset, type PresetName, pixelsPerToken, presets } from './presets.js';
import { dparSpecs } from './specs.js';

/** Compute of LlamaGen and DPAR for one image. GMACs are 10^9 multiply-accumulates ('GFLOPs' in the paper's table). */
export interface ComputeRow {
  readonly model: PresetName;
  /** Image size in pixels. */
  readonly resolution: number;
  /** Tokens per patch, T / M. */
  readonly patchRatio: number;
  readonly llamaGenGmacs: number;
  readonly dparGmacs: number;
  /** 100 (1 - DPAR / LlamaGen) */
  readonly reductionPercent: number;
  /** Parameters of the DPAR model. */
  readonly parameters: number;
}

/** Mean tokens per patch of the paper's models, by resolution in pixels. */
export const paperPatchRatios: Readonly<Record<number, number>> = { 256: 1.81, 384: 2.06 };

const presetNames = Object.keys(presets)
  .map((name) => `'${name}'`)
  .join(' | ');

/**
 * Compute of one size at one resolution, counted as Table S1 of the paper does.
 *
 * @param resolution Pixels, a multiple of 16.
 * @param patchRatio Tokens per patch, at least 1.
 * @throws DparError for an unknown preset, or numbers out of range.
 */
export function compareCompute(model: PresetName, resolution: number, patchRatio: number): ComputeRow {
  checkArguments(
    'compareCompute',
    { model, resolution, patchRatio },
    {
      model: presetNames,
      resolution: 'number',
      patchRatio: 'number',
    },
  );

  if (!(resolution > 0 && resolution % pixelsPerToken === 0 && patchRatio >= 1)) {
    throw new DparError(
      `compareCompute: expected a resolution that ${pixelsPerToken} divides and 1 or more tokens per patch, got ` +
        `${resolution} and ${patchRatio}. Correct them.`,
    );
  }
  const options = { gridSize: resolution / pixelsPerToken };
  const size = presets[model];
  const config = dparPreset(size, options);
  const llamaGenGmacs = llamaGenMacs(llamaGenPreset(size, options)) / 1e9;
  const dparGmacs = dparMacs(config, config.blockSize / patchRatio) / 1e9;
  const reductionPercent = 100 * (1 - dparGmacs / llamaGenGmacs);
  return {
    model,
    resolution,
    patchRatio,
    llamaGenGmacs,
    dparGmacs,
    reductionPercent,
    parameters: countParameters(dparSpecs(config)),
  };
}

/** A row of Table S1, with the paper's figures. */
export interface TableS1Row extends ComputeRow {
  readonly paper: { readonly llamaGenGmacs: number; readonly dparGmacs: number; readonly reductionPercent: number };
}

const paperRows: readonly (readonly [PresetName, number, number, number, number])[] = [
  ['B', 256, 24.98, 19.21, 23.1],
  ['L', 256, 83.26, 56.74, 31.9],
  ['XL', 256, 192.69, 125.52, 34.9],
  ['B', 384, 56.21, 40.92, 27.2],
  ['L', 384, 187.35, 117.92, 37.1],
  ['XL', 384, 433.57, 258.53, 40.4],
  ['XXL', 384, 797.59, 459.63, 42.4],
];

/** All rows of Table S1 ('Compute comparison across all LlamaGen and DPAR variants'). */
export function tableS1(): TableS1Row[] {
  return paperRows.map(([model, resolution, llamaGenGmacs, dparGmacs, reductionPercent]) => ({
    ...compareCompute(model, resolution, paperPatchRatios[resolution] ?? 1),
    paper: { llamaGenGmacs, dparGmacs, reductionPercent },
  }));
}
