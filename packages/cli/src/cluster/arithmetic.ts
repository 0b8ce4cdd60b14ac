import { type EntropyModelConfig, entropyModelPresets } from '@dpar/entropy';
import { compareCompute, llamaGenPreset, paperPatchRatios, presets } from '@dpar/model';
import { gptMatmulMacs } from '@dpar/nn';
import { vqKind, vqPresets } from '@dpar/tokenizer';
import { measured, type Processor, processors } from './rates.js';

/** A piece of work and how long one machine is at it. */
export interface WorkHours {
  readonly work: string;
  /** Items, each in all its variants. */
  readonly items: number;
  readonly unit: string;
  /** Multiply-accumulates of an item. */
  readonly macs: number;
  /** Hours of the measured machine at the measured rate, or at that of a smaller model by multiply-accumulates. */
  readonly cpuHours: number;
  /** Hours of that machine if everything ran at the speed of its matrix products: no engine is faster. */
  readonly cpuBoundHours: number;
  /** Hours of each GPU of {@link processors}, estimated from its peak. */
  readonly gpuHours: readonly number[];
}

/** Training images of ImageNet, and variants of each: LlamaGen's ten crops, of which five are mirrored. */
const [trainImages, variants] = [1_281_167, 10] as const;

/** Images for FID. */
const samples = 50_000;

const [imageSize, tokens] = [256, 256] as const;

/** Multiply-accumulates of VQ-16's convolutions for an image: each weight once for every place of its output. */
export function vqMacs(part: 'encoder' | 'decoder', size: number): number {
  const config = vqPresets['VQ-16'];
  const last = config.chMult.length - 1;
  let macs = 0;
  for (const [name, { shape }] of Object.entries(vqKind.specs(config))) {
    if (!name.startsWith(`${part}.`) || shape.length !== 4) continue;
    const [, block] = /conv_blocks\.(\d+)\./.exec(name) ?? [];
    // Halvings before this block: the encoder's blocks count from the finest, the decoder's from the coarsest.
    const atEnds = { 'encoder.conv_in': 0, 'decoder.conv_out': 0 }[name.replace(/\.weight$/, '')] ?? last;
    const level = block === undefined ? atEnds : part === 'encoder' ? Number(block) : last - Number(block);
    const halvings = level + Number(name.includes('downsample')) - Number(name.includes('upsample'));
    macs += shape.reduce((product, side) => product * side, 1) * (size / 2 ** halvings) ** 2;
  }
  return macs;
}

/** Multiply-accumulates of an entropy model for an image. */
function entropyMacs(size: Pick<EntropyModelConfig, 'dim' | 'nLayer' | 'nHead'>): number {
  return gptMatmulMacs({ ...llamaGenPreset(presets.B), ...size });
}

/** Multiply-accumulates of DPAR for an image, as Table S1 counts them; with guidance each image is computed twice. */
function dparMacsOf(model: 'B' | 'XL'): number {
  return 2e9 * compareCompute(model, imageSize, paperPatchRatios[imageSize] ?? 1).dparGmacs;
}

/** The work on ImageNet at 256 pixels, and the hours that it takes. */
export function clusterArithmetic(): WorkHours[] {
  const crops = trainImages * variants;
  const work = (
    name: string,
    [items, unit]: readonly [number, string],
    macs: number,
    itemsPerSecond: number,
    use: keyof Processor['utilisation'],
  ): WorkHours => ({
    ...{ work: name, items, unit, macs },
    cpuHours: items / itemsPerSecond / 3600,
    cpuBoundHours: (items * 2 * macs) / measured.matrixProductFlops / 3600,
    gpuHours: processors.map(
      ({ peakFlops, utilisation }) => (items * 2 * macs) / (peakFlops * utilisation[use]) / 3600,
    ),
  });
  const [ofCrops, ofSamples] = [[crops, 'crops'] as const, [samples, 'images'] as const];
  const rateB = measured.sampledTokensPerSecond / tokens;
  const [macsB, macsXL] = [dparMacsOf('B'), dparMacsOf('XL')];
  return [
    work('tokens, VQ-16', ofCrops, vqMacs('encoder', imageSize), measured.encodedImagesPerSecond, 'passes'),
    work('entropies, GPT-B', ofCrops, entropyMacs(entropyModelPresets.B), measured.entropiesPerSecond.B, 'passes'),
    work('entropies, T', ofCrops, entropyMacs(entropyModelPresets.T), measured.entropiesPerSecond.T, 'passes'),
    work('samples, DPAR-B', ofSamples, macsB, rateB, 'sampling'),
    work('samples, DPAR-XL', ofSamples, macsXL, (rateB * macsB) / macsXL, 'sampling'),
    work(
      'pixels of samples, VQ-16',
      ofSamples,
      vqMacs('decoder', imageSize),
      measured.decodedImagesPerSecond,
      'passes',
    ),
  ];
}

/** The table of {@link clusterArithmetic} in Markdown. */
export function formatArithmetic(rows: readonly WorkHours[]): string {
  const names = processors.map(({ name }) => name);
  const lines = [
    ['work', 'items', 'GMACs an item', 'CPU, hours', 'at least', ...names.map((name) => `${name}, hours (estimate)`)],
    ['---', '--:', '--:', '--:', '--:', ...names.map(() => '--:')],
    ...rows.map(({ work, items, unit, macs, cpuHours, cpuBoundHours, gpuHours }) => [
      ...[work, `${grouped(items)} ${unit}`, (macs / 1e9).toFixed(1)],
      ...[hours(cpuHours), hours(cpuBoundHours)],
      ...gpuHours.map(hours),
    ]),
  ];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

const grouped = (value: number): string => value.toLocaleString('en-US');

/** Two digits, or all of a whole number: `0.22`, `9600`. */
function hours(value: number): string {
  const digits = Number(value.toPrecision(2));
  return grouped(digits);
}
