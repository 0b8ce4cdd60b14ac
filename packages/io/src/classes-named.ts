import { checkArguments } from './check-arguments.js';

/**
 * Finds classes by a name: that of a class, else the part after the group in one or several names, else a group, which stands for
 * all its classes.
 * @param names Names in the order of the classes' numbers.
 * @returns Numbers of the classes, ascending; empty for an unknown name
 */
export function classesNamed(name: string, names: readonly string[]): number[] {
  checkArguments('classesNamed', { name, names }, { name: 'string', names: 'string[]' });
  if (name === '') return [];
  const rules = [
    (other: string) => other === name,
    (other: string) => other.endsWith(`/${name}`),
    (other: string) => other.startsWith(`${name}/`),
  ];
  for (const isMeant of rules) {
    const found = names.flatMap((other, number) => (isMeant(other) ? [number] : []));
    if (found.length > 0) return found;
  }
  return [];
}
