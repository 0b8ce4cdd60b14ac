/** Images at work: those that are ready to draw their next token, and those that wait for the global transformer. */
export interface ImagesAtWork {
  readonly ready: number;
  readonly waiting: number;
}

/**
 * Decides what comes next: the number of waiting images for which the global transformer runs, or 0 for the next token of
 * all that are ready. If none is ready, it is at least 1.
 */
export type LoadPlan = (images: ImagesAtWork) => number;

/** All waiting images run at once, so that images stay at the same position. */
export const lockstep: LoadPlan = ({ waiting }) => waiting;

/** Rows that a kernel of the engine multiplies in about the time of a few. Weights are then read once for all of them. */
const rowsOfKernel = 16;

/** Share of the images that wait before a load of the global transformer runs, if all of them fit the kernel's rows. */
const share = 0.6;

/**
 * Plan for some images at work. If the rows of all images fit one load of the kernel, a load of the global transformer takes
 * the same time for one image as for all, so it waits until most images do. More rows take more time, and attention takes
 * the time of all cached images whoever takes part: images that wait then cost more than they save.
 * @param images Images at work at the same time.
 * @param copies Rows of each image.
 */
export function loadPlan(images: number, copies: number): LoadPlan {
  if (images === 1 || images * copies > rowsOfKernel) return lockstep;
  return ({ ready, waiting }) => (ready === 0 || waiting >= share * (ready + waiting) ? waiting : 0);
}
