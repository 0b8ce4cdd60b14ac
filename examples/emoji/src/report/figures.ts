import { type ImageSet, imageAt } from '@dpar/example-kit/emoji';
import { heatMap, montage, type Picture, pictureOf, withPatches } from '@dpar/report';
import type { GeneratorResult, PatchedImages, Results } from '../results.js';
import { gridSize } from '../settings.js';

/** Enlargement of images on which patches are drawn. */
const zoom = 3;

/** Pictures of the report. */
export interface Figures {
  /** Validation images and their reconstructions. */
  readonly reconstructions: readonly { readonly original: Picture; readonly reconstructed: Picture }[];
  /** Validation images: image, entropies and patches side by side. */
  readonly entropies: readonly { readonly name: string; readonly picture: Picture }[];
  /** Nats of the brightest colour of the entropy maps. */
  readonly brightest: number;
  /** Images of each class. */
  readonly classes: readonly ClassFigures[];
  /** Generated images with their patches, one of each class. */
  readonly generatedPatches: Picture;
  /** All generated images, a row for each class. */
  readonly grids: { readonly dpar: Picture; readonly llamaGen: Picture };
}

/** Real and generated images of one class. */
export interface ClassFigures {
  readonly name: string;
  readonly real: Picture;
  readonly dpar: Picture;
  readonly llamaGen: Picture;
}

/** Draws the pictures of a run. */
export function drawFigures(results: Results): Figures {
  const { validation, train, dpar, llamaGen, classes, labels, settings } = results;
  const perClass = settings.generation.imagesPerClass;
  const sorted = [...validation.tokens.entropies.data].sort((a, b) => a - b);
  const brightest = sorted[Math.floor(0.99 * sorted.length)] ?? 1;
  const rows = (model: GeneratorResult<unknown>, label: number) =>
    Array.from(labels.keys())
      .filter((i) => labels[i] === label)
      .map((i) => pictureOf(imageAt(model.pixels, i)));
  const withOwnPatches = classes.map((_, label) => {
    const i = labels.indexOf(label);
    const lengths = dpar.generated.patchLengths[i] ?? [];
    return withPatches(pictureOf(imageAt(dpar.pixels, i), zoom), lengths, gridSize);
  });
  return {
    reconstructions: spread(validation.images, 24).map((i) => ({
      original: pictureOf(imageAt(validation.images.pixels, i)),
      reconstructed: pictureOf(imageAt(validation.reconstructed, i)),
    })),
    entropies: spread(validation.images, 10).map((i) => ({
      name: validation.images.names[i] ?? '',
      picture: entropyPicture(validation, i, brightest),
    })),
    brightest,
    classes: classes.map((name, label) => ({
      name,
      real: montage(
        examplesOf(train.images, label, perClass).map((i) => pictureOf(imageAt(train.images.pixels, i))),
        perClass,
      ),
      dpar: montage(rows(dpar, label), perClass),
      llamaGen: montage(rows(llamaGen, label), perClass),
    })),
    generatedPatches: montage(withOwnPatches, withOwnPatches.length, 6),
    grids: { dpar: grid(dpar, perClass), llamaGen: grid(llamaGen, perClass) },
  };
}

function grid({ pixels, generated }: GeneratorResult<unknown>, columns: number): Picture {
  return montage(
    generated.patchLengths.map((_, i) => pictureOf(imageAt(pixels, i))),
    columns,
  );
}

/** An image, the entropy of each of its tokens, and its patches. The first token has no entropy. */
function entropyPicture({ images, tokens, patchLengths }: PatchedImages, i: number, brightest: number): Picture {
  const predicted = gridSize ** 2 - 1;
  const entropies = tokens.entropies.data.subarray(i * predicted, (i + 1) * predicted);
  const original = pictureOf(imageAt(images.pixels, i), zoom);
  return montage(
    [
      original,
      heatMap([undefined, ...entropies], brightest, original.width / gridSize),
      withPatches(original, patchLengths[i] ?? [], gridSize),
    ],
    3,
    6,
  );
}

/** Some images of a set, about as many of each class, without a second variant of an emoji. */
function spread(images: ImageSet, count: number): number[] {
  const seen = new Set<string>();
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < images.labels.length; i++) {
    const [name, label] = [images.names[i] ?? '', images.labels[i] ?? 0];
    if (seen.has(name)) continue;
    seen.add(name);
    byClass.set(label, [...(byClass.get(label) ?? []), i]);
  }
  const chosen: number[] = [];
  const columns = [...byClass.keys()].sort((a, b) => a - b).map((label) => byClass.get(label) ?? []);
  for (let row = 0; chosen.length < count && columns.some((column) => row < column.length); row++) {
    chosen.push(...columns.flatMap((column) => column.slice(row, row + 1)));
  }
  return chosen.slice(0, count);
}

/** Images of a class, evenly spread. */
function examplesOf({ labels }: ImageSet, label: number, count: number): number[] {
  const own = Array.from(labels.keys()).filter((i) => labels[i] === label);
  return Array.from(
    { length: Math.min(count, own.length) },
    (_, k) => own[Math.floor(((k + 0.5) * own.length) / count)] ?? 0,
  );
}
