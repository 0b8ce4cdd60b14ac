import { type EntropyModelConfig, entropyModelPresets } from '@dpar/entropy';
import { compareCompute, llamaGenPreset, paperPatchRatios, presets } from '@dpar/model';
import { gptMatmulMacs } from '@dpar/nn';
import { vqKind, vqPresets } from '@dpar/tokenizer';

/** Rates of ONNX Runtime in float32 on 2 cores of an idle AMD EPYC with AVX-512; sampling was measured with other load. */
export const measured = {
  /** VQ-16 at 256 pixels. */
  encodedImagesPerSecond: 2.42,
  decodedImagesPerSecond: 1.32,
  /** DPAR-B at 256 pixels in batches of 16 with classifier-free guidance. int8 weights reach 362. */
  sampledTokensPerSecond: 268,
  /** Sequences of 256 tokens in batches of 16, of the entropy models GPT-B (110 M parameters) and T (37 M). */
  entropiesPerSecond: { B: 2.99, T: 5.03 },
  /** Upper end of the speed of matrix products, which is 260 to 350 GFLOP/s. */
  matrixProductFlops: 350e9,
} as const;

/** A GPU, with the assumed share of its peak. */
export interface Processor {
  readonly name: string;
  /** Published floating-point operations per second of dense matrix products in TF32. */
  readonly peakFlops: number;
  readonly utilisation: {
    /** Share in passes over whole images or sequences in large batches. */
    readonly passes: number;
    /** Share in sampling token by token, which mostly waits for memory and kernel launches. */
    readonly sampling: number;
  };
}

const utilisation = { passes: 0.3, sampling: 0.03 } as const;

/** Estimated: no GPU was measured. */
export const processors: readonly Processor[] = [
  { name: 'A100', peakFlops: 156e12, utilisation },
  { name: 'H100 SXM', peakFlops: 494.7e12, utilisation },
];

/** A piece of work and its time on one machine. */
export interface WorkHours {
  readonly work: string;
  /** Number of items, with all variants. */
  readonly items: number;
  readonly unit: string;
  /** Multiply-accumulates per item. */
  readonly macs: number;
  /** Hours on the measured machine, at the measured rate or at a rate scaled by multiply-accumulates. */
  readonly cpuHours: number;
  /** Lower bound: hours at the speed of matrix products. */
  readonly cpuBoundHours: number;
  /** Hours on each GPU of {@link processors}, estimated from its peak. */
  readonly gpuHours: readonly number[];
}

/** Training images of ImageNet, and variants of each: LlamaGen's ten crops, five of them mirrored. */
const [trainImages, variants] = [1_281_167, 10] as const;

/** Images for FID. */
const samples = 50_000;

const [imageSize, tokens] = [256, 256] as const;

/** Multiply-accumulates of VQ-16's convolutions for an image: each weight once per position of the output. */
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

/** Multiply-accumulates of an entropy model per image. */
function entropyMacs(size: Pick<EntropyModelConfig, 'dim' | 'nLayer' | 'nHead'>): number {
  return gptMatmulMacs({ ...llamaGenPreset(presets.B), ...size });
}

/** Multiply-accumulates of DPAR per image, as in Table S1; guidance doubles them. */
function dparMacsOf(model: 'B' | 'XL'): number {
  return 2e9 * compareCompute(model, imageSize, paperPatchRatios[imageSize] ?? 1).dparGmacs;
}

/** Work on ImageNet at 256 pixels, with its hours. */
export function clusterArithmetic(): WorkHours[] {
  const crops = trainImages * variants;
  const work = (
    name: string,
    [items, unit]: readonly [number, string],
    macs: number,
    itemsPerSecond: number,
    use: keyof Processor['utilisation'],
  ): WorkHours => ({
    work: name,
    items,
    unit,
    macs,
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

/** Table of {@link clusterArithmetic} in Markdown. */
export function formatArithmetic(rows: readonly WorkHours[]): string {
  const names = processors.map(({ name }) => name);
  const lines = [
    ['work', 'items', 'GMACs an item', 'CPU, hours', 'at least', ...names.map((name) => `${name}, hours (estimate)`)],
    ['---', '--:', '--:', '--:', '--:', ...names.map(() => '--:')],
    ...rows.map(({ work, items, unit, macs, cpuHours, cpuBoundHours, gpuHours }) => [
      work,
      `${grouped(items)} ${unit}`,
      (macs / 1e9).toFixed(1),
      hours(cpuHours),
      hours(cpuBoundHours),
      ...gpuHours.map(hours),
    ]),
  ];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

const grouped = (value: number): string => value.toLocaleString('en-US');

/** Two significant digits: `0.22`, `9,600`. */
function hours(value: number): string {
  const digits = Number(value.toPrecision(2));
  return grouped(digits);
}
