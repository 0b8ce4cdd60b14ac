import type { KindsOf } from '@dpar/check';
import { hasNullClass } from '@dpar/nn';
import { type Label, type SampleOptions, sampleOptionsKinds } from '@dpar/sampler';
import { DparError } from '@dpar/tensor';
import { allClasses, type ClassChoice, type Classes, labelsOf } from './class-choice.js';

/** Called with the tokens drawn so far, and the tokens in all. */
export type OnTokens = (done: number, total: number) => void;

/**
 * Settings of drawn images. Those that {@link SampleOptions} has too mean the same; the defaults are those that draw well:
 * guidance 1.5 and top-p 0.98.
 */
export interface DrawOptions extends Omit<SampleOptions, 'labels' | 'prefix'> {
  /**
   * Class of the images, or several, which then take turns: names, numbers, or `null` for images without a class. A name of a group of
   * classes (`Flags` for `Flags/country flag`) stands for all of them. A model that was trained with prompts also takes a text,
   * 'a red heart'. Default: each class of the model in turn.
   */
  readonly class?: ClassChoice | readonly ClassChoice[] | undefined;
  /** Number of images. Default: one for each given class. */
  readonly count?: number | undefined;
  /** Called after each step. */
  readonly onProgress?: OnTokens | undefined;
}

/** Kinds of the settings that go to the sampler as they are. */
const { labels: _labels, 'prefix?': _prefix, ...samplingKinds } = sampleOptionsKinds;

/** Kinds of {@link DrawOptions}. */
export const drawOptionsKinds: KindsOf<DrawOptions> = {
  'class?': ['string | number | null', { '[]': 'string | number | null' }],
  'count?': 'number',
  'onProgress?': 'function',
  ...samplingKinds,
};

/** Settings that draw well, for the models of this repository. */
const usual = { guidanceScale: 1.5, topP: 0.98 } as const;

/** Images at work at the same time, by default. */
const usualBatchSize = 16;

/** Largest number of images of one call: a grid of them has the pixels that viewers open. */
const mostImages = 1e6;

/** Settings of a generation for the sampler. */
export type SamplePlan = SampleOptions & { readonly labels: readonly Label[]; readonly batchSize: number };

/**
 * Fills in the defaults of some settings.
 * @param caller Function that errors name.
 * @param unclassed Class of the images if none is given (default: each class in turn).
 * @throws DparError for classes or numbers that are out of range. The sampler checks the rest.
 */
export function planDrawing(
  caller: string,
  options: DrawOptions,
  classes: Classes,
  unclassed?: ClassChoice,
): SamplePlan {
  const { class: choice = unclassed, count: wanted, onProgress: _, batchSize = usualBatchSize, ...rest } = options;
  const { firstIndex = 0 } = rest;
  const given: readonly Label[] =
    choice === undefined ? allClasses(classes) : [choice].flat().flatMap((one) => labelsOf(caller, one, classes));
  const count = wanted ?? (choice === undefined ? 1 : given.length);
  if (!(Number.isInteger(count) && count >= 1 && count <= mostImages)) {
    const remedy = given.length === 0 ? 'Name at least one class.' : "Check 'count'.";
    throw new DparError(`${caller}: expected 1 to ${mostImages} images, got ${count}. ${remedy}`);
  }
  return {
    topP: usual.topP,
    // Without a null class there is no guidance.
    ...(classes.hasNull && { guidanceScale: usual.guidanceScale }),
    ...withoutUndefined(rest),
    batchSize,
    labels: Array.from({ length: count }, (_, i) => given[(firstIndex + i) % given.length] as Label),
  };
}

/** Options that are given. An undefined one has its default. */
function withoutUndefined<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}

/** Classes of a model. */
export function classesOf(
  config: { readonly numClasses: number; readonly classDropoutProb?: number | undefined },
  names: readonly string[] | undefined,
  place: string,
): Classes {
  return { numClasses: config.numClasses, hasNull: hasNullClass(config), names, place };
}
