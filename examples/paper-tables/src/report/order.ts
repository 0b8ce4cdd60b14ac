import { differenceOf, type Spread } from '@dpar/example-kit';
import type { Finding } from './result.js';

/** A variant with its figure in the paper and ours. Lower is better. */
export interface Ranked {
  readonly name: string;
  readonly paper: number;
  readonly ours: Spread;
}

/**
 * Finding whether variants have the paper's order here, by the means over seeds. It names the neighbours in that order
 * that differ by more than two standard errors.
 * @param what Name of our figure, such as 'FID'.
 */
export function compareOrder(what: string, variants: readonly Ranked[]): Finding {
  const byPaper = [...variants].sort((a, b) => a.paper - b.paper);
  const byOurs = [...variants].sort((a, b) => a.ours.mean - b.ours.mean);
  const same = byPaper.every((variant, i) => variant === byOurs[i]);
  const list = (sorted: readonly Ranked[]) => sorted.map(({ name }) => name).join(' < ');
  const pairs = byPaper.slice(1).map((worse, i) => {
    const better = byPaper[i] as Ranked;
    const { mean, clear } = differenceOf(better.ours, worse.ours);
    return { names: `${better.name} and ${worse.name}`, holds: mean > 0, clear };
  });
  const sure = (holds: boolean) => pairs.filter((pair) => pair.clear && pair.holds === holds).map(({ names }) => names);
  const [confirmed, refuted] = [sure(true), sure(false)];
  const several = variants.every(({ ours }) => ours.values.length > 1);
  const certainty = !several
    ? 'One seed says nothing of the spread.'
    : [
        confirmed.length > 0 && `By more than two standard errors as in the paper: ${confirmed.join('; ')}.`,
        refuted.length > 0 && `By more than two standard errors the other way round: ${refuted.join('; ')}.`,
        confirmed.length + refuted.length < pairs.length &&
          `Within two standard errors: ${pairs.length - confirmed.length - refuted.length} of ${pairs.length} neighbouring pairs.`,
      ]
        .filter(Boolean)
        .join(' ');
  // An order that could be chance neither shows nor refutes anything.
  const agreement = (): boolean | undefined => {
    if (!several) return undefined;
    if (refuted.length > 0) return false;
    return same && confirmed.length > 0 ? true : undefined;
  };
  return {
    agrees: agreement(),
    covered: several && confirmed.length + refuted.length === 0,
    text: same
      ? `${what}: the paper's order holds (${list(byOurs)}). ${certainty}`
      : `${what}: the paper has ${list(byPaper)}, here it is ${list(byOurs)}. ${certainty}`,
  };
}
