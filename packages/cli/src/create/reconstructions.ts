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
  const chosen = spread([...Array(run.parts.validation.set.count).keys()], measured);
  const originals = await validationSquares(run, chosen);
  const tokens = await tokenizer.encode(imagesFromBytes(originals.data, originals.size));
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
    psnr: peakSignalToNoiseRatio(originals.data, decoded),
    originals,
    decoded: { data: decoded, size: originals.size },
    entropies: rows,
    patches: rows.map((row) => patchLengths(row, patching)),
  };
}

/** Some validation pictures, cut or fitted as the model sees them. */
export async function validationSquares(run: CreateRun, chosen: readonly number[]): Promise<SquareImages> {
  const size = run.plan.resolution;
  const crop = run.plan.crop === 'fit' ? 'fit' : 'center';
  const crops = { crop, flip: false, size, cropRange: 1, background: run.request.background } as const;
  const data = new Uint8Array(chosen.length * 3 * size * size);
  for (const [i, index] of chosen.entries()) {
    for await (const [square] of run.parts.validation.set.readCrops(index, 1, crops)) {
      if (square !== undefined) data.set(square.data, i * square.data.length);
    }
  }
  return { data, size };
}
