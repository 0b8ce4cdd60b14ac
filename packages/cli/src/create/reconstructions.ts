import { boundaryPatching, type DparConfig, dparKind } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { patchLengths } from '@dpar/patchify';
import type { SquareImages } from '@dpar/pipeline';
import { int32 } from '@dpar/tensor';
import { bytesFromImages, type ImageTokenizer, imagesFromBytes, peakSignalToNoiseRatio } from '@dpar/tokenizer';
import { entropiesOfSet } from '@dpar/train';
import { spread } from '../report/report.js';
import type { CreateRun } from './run.js';

/** Validation pictures, and what the models make of them. */
export interface Reconstructions {
  /** PSNR of all of them together, in dB. */
  readonly psnr: number;
  readonly originals: SquareImages;
  readonly decoded: SquareImages;
  /** Entropies of the tokens of each picture by the boundary head, in nats. The first token has none. */
  readonly entropies: readonly Float32Array[];
  /** Lengths of the patches of each picture. */
  readonly patches: readonly Int32Array[];
}

/** Pictures that are measured. */
const measured = 64;

/** Tokenizes and decodes validation pictures, and divides them into patches as DPAR draws. */
export async function measureReconstructions(run: CreateRun, tokenizer: ImageTokenizer): Promise<Reconstructions> {
  const { set } = run.parts.validation;
  const size = run.plan.resolution;
  const chosen = spread([...Array(set.count).keys()], measured);
  const crop = run.plan.crop === 'fit' ? 'fit' : 'center';
  const crops = { crop, flip: false, size, cropRange: 1, background: run.request.background } as const;
  const pixels = new Uint8Array(chosen.length * 3 * size * size);
  for (const [i, index] of chosen.entries()) {
    for await (const [square] of set.readCrops(index, 1, crops)) {
      if (square !== undefined) pixels.set(square.data, i * square.data.length);
    }
  }
  const tokens = await tokenizer.encode(imagesFromBytes(pixels, size));
  const decoded = bytesFromImages(await tokenizer.decode(tokens));
  const model = await loadModel<typeof dparKind>(run.path('model', 'dpar'), { kinds: [dparKind] });
  const labels = int32([chosen.length]);
  const entropies = await entropiesOfSet(
    run.engine,
    model,
    { tokens, labels },
    { batchSize: 16, signal: run.context.signal },
  );
  const predicted = entropies.data.length / chosen.length;
  const rows = chosen.map((_, i) => entropies.data.slice(i * predicted, (i + 1) * predicted));
  const patching = boundaryPatching(model.config as DparConfig);
  return {
    psnr: peakSignalToNoiseRatio(pixels, decoded),
    originals: { data: pixels, size },
    decoded: { data: decoded, size },
    entropies: rows,
    patches: rows.map((row) => patchLengths(row, patching)),
  };
}
