import { differenceOf, formatSpread, type Spread, spreadOf } from '@dpar/example-kit';
import { generationTimesCost, measuringCost, samplingCost, trainingCost } from '../lab/costs.js';
import { headNeighbours, patchersOf } from '../lab/heads.js';
import type { Lab } from '../lab/lab.js';
import { patchedData } from '../lab/models.js';
import { drawnQuality, type Patcher, type PatchQuality, patchQuality } from '../lab/patchers.js';
import type { Quality } from '../lab/quality.js';
import { entropiesOfShipped, shippedPatchers } from '../lab/shipped.js';
import { headSize } from '../lab/sizes.js';
import { generationTimes } from '../lab/timing.js';
import { dparOf, ownEntropy, sweepSeeds } from '../recipes.js';
import type { Finding, Grid } from '../report/result.js';
import { baseVariant, mainGrid, type Settings } from '../settings.js';
import { tableOf } from './table.js';
import { scaledNote } from './trained.js';

/** DPAR with one origin of entropies, over some seeds. */
interface Source {
  readonly name: string;
  readonly correlation: Spread;
  readonly agreement: Spread;
  readonly loss: Spread;
  readonly meanPatchLength: Spread;
  readonly fid: Spread;
  /** Time of generating an image. */
  readonly seconds: number;
}

/** Figures of one seed. */
interface Measured {
  readonly patches: PatchQuality;
  readonly quality: Quality;
}

/** Origins of entropies: the entropy model, heads, and random places. */
const sourceCount = Object.keys(headNeighbours).length + 2;

/** DPAR of this example with its entropy model, with boundary heads, and with boundaries at random places. */
export const boundaryHead = tableOf(
  (settings) => {
    const tokens = mainGrid ** 2;
    const { images } = settings.head;
    return dparOf(sweepSeeds(settings), baseVariant, ownEntropy, 'E1D4').map((model, i) => ({
      model,
      entropies: [ownEntropy],
      models: [model],
      otherCost:
        Object.keys(headNeighbours).length * trainingCost(headSize(settings, model)) +
        sourceCount * (samplingCost(images, tokens) + measuringCost(images)) +
        (i === 0 ? generationTimesCost(settings.timedImages, tokens, sourceCount) : 0),
    }));
  },
  async (lab, rows) => {
    const { head, sampling } = lab.settings;
    const drawing = { ...sampling, images: head.images };
    const data = await patchedData(lab, ownEntropy);
    const { train, validation } = data.grid;
    const seeds: { readonly patchers: readonly Patcher[]; readonly measured: readonly Measured[] }[] = [];
    for (const { model } of rows) {
      const name = `DPAR ${model.label}, seed ${model.seed}`;
      const patchers = await patchersOf(lab, model, data);
      const measured: Measured[] = [];
      for (const patcher of patchers) {
        measured.push({
          patches: await patchQuality(lab, name, patcher, validation, data.entropies.validation),
          quality: await drawnQuality(lab, name, patcher, train, drawing),
        });
      }
      seeds.push({ patchers, measured });
    }
    const first = seeds[0]?.patchers ?? [];
    const times = await timesOf(lab, 'Times of generation without the entropy model', first);
    const sources = first.map(({ name }, i) => {
      const all = seeds.flatMap(({ measured }) => measured.slice(i, i + 1));
      const [patches, quality] = [all.map((each) => each.patches), all.map((each) => each.quality)];
      return sourceOf(name, patches, quality, times[i] ?? Number.NaN);
    });
    return {
      title: 'Without the entropy model',
      basis: 'scaled',
      about: [
        'The supplement has no figures for this. A trained DPAR (E1D4) draws with entropies of its entropy model, or of a small network on the states ' +
          `of its encoder that was trained to predict them: ${head.steps} steps of ${head.batchSize} images, ${head.hiddenWidth} wide. The usual head reads the ` +
          'states of eight tokens. Random places are the same in all images. Mean patch lengths of the validation images are equal. ' +
          `FID is of ${head.images} images of each seed, so it is higher than in the other tables.`,
        columnsNote(lab),
        await scaledNote(lab),
      ],
      tables: [gridOf(sources)],
      charts: [],
      findings: findings(sources),
    };
  },
);

/** The model of @dpar/emoji with its entropy model, and with its boundary head. */
export const emoji = tableOf(
  (settings: Settings) => {
    const { images, seeds } = settings.shipped;
    const cost = shippedFactor * samplingCost(images, mainGrid ** 2) + measuringCost(images);
    return [{ entropies: [], otherCost: 2 * seeds.length * cost }];
  },
  async (lab) => {
    const { shipped } = lab.settings;
    const { train, validation } = await lab.data.at('google', mainGrid);
    const patchers = await shippedPatchers(lab);
    const name = 'Model of @dpar/emoji';
    const times = await timesOf(lab, `Times of generation, ${name}`, patchers);
    const given = await entropiesOfShipped(lab, validation);
    const sources: Source[] = [];
    for (const [i, patcher] of patchers.entries()) {
      const patches = await patchQuality(lab, name, patcher, validation, given);
      const quality: Quality[] = [];
      for (const seed of shipped.seeds) {
        quality.push(await drawnQuality(lab, `${name}, seed ${seed}`, patcher, train, { ...shipped, seed }));
      }
      sources.push(sourceOf(patcher.name, [patches], quality, times[i] ?? Number.NaN));
    }
    const network = await lab.features();
    return {
      title: 'The model of @dpar/emoji without its entropy model',
      basis: 'scaled',
      about: [
        `The shipped weights, ${shipped.images} images from each of ${shipped.seeds.length} seeds of the draws, guidance ${shipped.guidance}, top-p ${shipped.topP}. ` +
          `FID is against all real emoji, by the features of ${network.name} (resize: ${network.resize}).`,
        columnsNote(lab),
      ],
      tables: [gridOf(sources)],
      charts: [],
      findings: findings(sources),
    };
  },
);

/** Time of an image of the shipped model, as a multiple of that of the models of this example. */
const shippedFactor = 1.5;

async function timesOf(lab: Lab, name: string, patchers: readonly Patcher[]): Promise<number[]> {
  const grid = await lab.data.at('google', mainGrid);
  return generationTimes(
    lab,
    name,
    grid,
    patchers.map((drawer) => ({ drawer })),
  );
}

function sourceOf(
  name: string,
  patches: readonly PatchQuality[],
  quality: readonly Quality[],
  seconds: number,
): Source {
  const of = (read: (each: PatchQuality) => number) => spreadOf(patches.map(read));
  return {
    name,
    correlation: of(({ correlation }) => correlation),
    agreement: of(({ agreement }) => agreement),
    loss: of(({ loss }) => loss),
    meanPatchLength: of(({ meanPatchLength }) => meanPatchLength),
    fid: spreadOf(quality.map(({ fid }) => fid)),
    seconds,
  };
}

const columnsNote = ({ settings }: Lab): string =>
  'Correlation, agreement (the share of the tokens that start a patch by both or by neither) and loss are of the validation images, against the entropies of ' +
  `the entropy model. The standard error of FID is over the seeds. Times are of this machine, for one image of a batch of ${settings.timedImages}: the median of ` +
  'some batches, a batch of each row in turn.';

const standardError = ({ deviation, values }: Spread): number => deviation / Math.sqrt(values.length);

function gridOf(sources: readonly Source[]): Grid {
  return {
    head: [
      'Entropies',
      'correlation',
      'boundary agreement',
      'tokens per patch',
      'validation loss (nats per token)',
      'FID',
      'standard error',
      'FID of each seed',
      'ms an image',
    ],
    rows: sources.map(({ name, correlation, agreement, loss, meanPatchLength, fid, seconds }) => [
      name,
      formatSpread(correlation, 3),
      formatSpread(agreement, 3),
      meanPatchLength.mean.toFixed(3),
      formatSpread(loss, 4),
      fid.mean.toFixed(3),
      fid.values.length > 1 ? standardError(fid).toFixed(3) : '',
      fid.values.map((value) => value.toFixed(2)).join(', '),
      (1000 * seconds).toFixed(1),
    ]),
  };
}

/** Findings about loss and FID of each source beside the entropy model. */
function findings([usual, ...others]: readonly Source[]): Finding[] {
  if (usual === undefined) return [];
  return others.map(({ name, loss, fid }) => {
    const { mean, standardError, clear } = differenceOf(usual.fid, fid);
    const sign = (value: number, digits: number) => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
    const several = fid.values.length > 1;
    const error = several ? ` (standard error ${standardError.toFixed(3)}${clear ? ', clear' : ''})` : '';
    return {
      agrees: undefined,
      covered: several && !clear,
      text:
        `With entropies of: ${name}, FID differs by ${sign(mean, 3)}${error} from that with the entropy model, ` +
        `the loss by ${sign(loss.mean - usual.loss.mean, 4)} nats.`,
    };
  });
}
