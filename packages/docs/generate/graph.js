import { publishedPackages } from '@dpar/config/published';

/**
 * The published packages and what each needs to run, as a Mermaid graph in a fenced block. Of the arrows that follow from
 * others only the direct ones are drawn.
 */
export function packageGraph(root) {
  const needs = readNeeds(root);
  const reaches = (from, to) => needs.get(from).some((next) => next === to || reaches(next, to));
  const lines = [...needs].flatMap(([name, direct]) =>
    direct.length === 0
      ? [`  ${name}`]
      : direct
          .filter((to) => !direct.some((other) => other !== to && reaches(other, to)))
          .map((to) => `  ${name} --> ${to}`),
  );
  return ['```mermaid', 'flowchart TD', ...lines, '```', ''].join('\n');
}

/** Packages by name, without the scope, with the packages of ours that they have as dependencies and peers. */
function readNeeds(root) {
  const short = (name) => name.replace('@dpar/', '');
  return new Map(
    publishedPackages(root).map(({ name, manifest: { dependencies, peerDependencies } }) => [
      short(name),
      Object.keys({ ...dependencies, ...peerDependencies })
        .filter((dependency) => dependency.startsWith('@dpar/'))
        .map(short)
        .sort(),
    ]),
  );
}
