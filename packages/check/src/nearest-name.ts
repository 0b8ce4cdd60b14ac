// The edit distance is our own, and not that of a package: it is built into every package, and counts swapped letters as one
// edit.

/**
 * Guesses the intended name: one with at most a third of its letters different, ignoring case and `_`; or one that contains
 * the other (`thread` and `threads`); or one with the same last word (`cfgScale` and `guidanceScale`). Undefined if none is
 * near.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const wanted = plain(name);
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3));
  for (const candidate of names) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < least || (distance === least && nearest === undefined)) [nearest, least] = [candidate, distance];
  }
  const holds = (a: string, b: string): boolean => b.length > 2 && a.includes(b);
  return (
    nearest ??
    names.find((other) => holds(plain(other), wanted) || holds(wanted, plain(other))) ??
    names.find((other) => lastWord(other) === lastWord(name) && lastWord(name).length > 3)
  );
}

/** Finds the name that `name` misspells: at most two letters, or a third of them, differ. Undefined if there is none. */
export function misspelt(name: string, names: readonly string[]): string | undefined {
  const most = Math.min(2, Math.floor(plain(name).length / 3));
  return names.find((other) => editDistance(plain(name), plain(other)) <= most);
}

/** The names nearest to `name`, nearest first: those that contain it, then by edit distance. Case does not count. */
export function nearestNames(name: string, names: readonly string[], most: number): string[] {
  const wanted = name.toLowerCase();
  const distance = (other: string): number => (other.includes(wanted) ? 0 : editDistance(wanted, other));
  return names
    .map((other) => ({ other, distance: distance(other.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ other }) => other);
}

/** Message about an unknown name: `unknown option 'K'. Did you mean 'k'?` */
export function unknownName(what: string, path: string, name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  const remedy = nearest === undefined ? 'Leave it out.' : `Did you mean '${path}${nearest}'?`;
  return `unknown ${what} '${path}${name}'. ${remedy}`;
}

/** Last word of a name: `scale` of `cfgScale` and `cfg_scale`. */
const lastWord = (name: string): string => (/[A-Z]?[a-z]+$/.exec(name)?.[0] ?? name).toLowerCase();

const plain = (name: string): string => name.replace(/[_\-\s]/g, '').toLowerCase();

/** Number of letters to insert, remove, replace or swap with their neighbour (optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
