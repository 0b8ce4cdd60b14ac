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

/**
 * All waiting images run at once, so that images stay at the same position. Waiting for fuller loads was slower: attention
 * takes the time of all cached images, whoever takes part, and the steps of the others have fewer rows in the meantime.
 */
export const lockstep: LoadPlan = ({ waiting }) => waiting;
