/**
 * The name that was probably meant: of at most a third of different letters, upper and lower case and `_` aside, or
 * one that holds the other (`thread` and `threads`), or has the same last word (`cfgScale` and `guidanceScale`). Undefined if
 * none is near.
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

/** The name of which `name` is a slip of the pen, at most two letters (or a third) away; undefined if it is no such slip. */
export function misspelt(name: string, names: readonly string[]): string | undefined {
  const most = Math.min(2, Math.floor(plain(name).length / 3));
  return names.find((other) => editDistance(plain(name), plain(other)) <= most);
}

/** Words about a name that is not among those known: `an unknown option 'K'. Did you mean 'k'?` */
export function unknownName(what: string, path: string, name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  const remedy = nearest === undefined ? 'Leave it out.' : `Did you mean '${path}${nearest}'?`;
  return `unknown ${what} '${path}${name}'. ${remedy}`;
}

/** `scale` of `cfgScale` and `cfg_scale`. */
const lastWord = (name: string): string => (/[A-Z]?[a-z]+$/.exec(name)?.[0] ?? name).toLowerCase();

const plain = (name: string): string => name.replace(/[_\-\s]/g, '').toLowerCase();

/** Letters to insert, remove, replace or swap with their neighbour. */
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
