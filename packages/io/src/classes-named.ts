import { checkArguments } from './check-arguments.js';

/**
 * True for a word in a list of names of classes: a name that begins with a slash, `/red`. Words follow the classes of a model that was
 * trained with prompts. They are classes of their own for the model, but no class that an image is sorted into.
 */
export function isWord(name: string): boolean {
  checkArguments('isWord', { name }, { name: 'string' });
  return name.startsWith('/');
}

/** Name of a class for people: that of a word is without its slash. */
export function shownName(name: string): string {
  checkArguments('shownName', { name }, { name: 'string' });
  return isWord(name) ? name.slice(1) : name;
}

/**
 * Finds classes by a name: that of a class, else the part after the group in one or several names, else a group, which stands for
 * all its classes, else a word.
 * @param names Names in the order of the classes' numbers.
 * @returns Numbers of the classes, ascending; empty for an unknown name
 */
export function classesNamed(name: string, names: readonly string[]): number[] {
  checkArguments('classesNamed', { name, names }, { name: 'string', names: 'string[]' });
  if (name === '') return [];
  const rules = [
    (other: string) => other === name,
    (other: string) => other.endsWith(`/${name}`) && !isWord(other),
    (other: string) => other.startsWith(`${name}/`),
    (other: string) => other === `/${name}`,
  ];
  for (const isMeant of rules) {
    const found = names.flatMap((other, number) => (isMeant(other) ? [number] : []));
    if (found.length > 0) return found;
  }
  return [];
}

/** Words of a prompt. */
export interface Prompt {
  /** Numbers of the words that the model knows, each once, in the order of the text. */
  readonly words: readonly number[];
  /** Words of the text that it does not know. */
  readonly unknown: readonly string[];
}

/**
 * Finds the words of a text: 'A red, red heart' has those that are called `/red` and `/heart`.
 * @param names Names in the order of the classes' numbers.
 */
export function promptNamed(text: string, names: readonly string[]): Prompt {
  checkArguments('promptNamed', { text, names }, { text: 'string', names: 'string[]' });
  const numbers = new Map(names.map((name, number) => [name, number]));
  const [words, unknown] = [new Set<number>(), new Set<string>()];
  for (const word of text.toLowerCase().split(/[^\p{L}\p{N}]+/u)) {
    const number = numbers.get(`/${word}`);
    if (number !== undefined) words.add(number);
    else if (word !== '') unknown.add(word);
  }
  return { words: [...words], unknown: [...unknown] };
}
