import { nearestNames } from '@dpar/check';
import { classesNamed, isWord, promptNamed, shownName } from '@dpar/io';
import type { Label } from '@dpar/sampler';
import { DparError } from '@dpar/tensor';

/**
 * A class: its name, that of a group of classes, its number, or `null` for images without a class. For a model that was trained with
 * prompts also a text, 'a red heart', of which the words count that the model knows.
 */
export type ClassChoice = string | number | null;

/** Classes of a model. */
export interface Classes {
  /** Number of classes, C. Class C is the null class. */
  readonly numClasses: number;
  readonly hasNull: boolean;
  /** Names by number. */
  readonly names: readonly string[] | undefined;
  /** Folder or address of the model, for messages. */
  readonly place: string;
}

/** Number of names that an error suggests. */
const suggestions = 3;

/**
 * Classes or prompts that are meant. A name of a group (see `classesNamed` of `@dpar/io`) stands for its classes.
 * @param caller Function that errors name.
 * @throws DparError for an unknown name, with the nearest names, or a number that is out of range.
 */
export function labelsOf(caller: string, choice: ClassChoice, classes: Classes): Label[] {
  const { numClasses, hasNull, names, place } = classes;
  if (choice === null) {
    if (hasNull) return [numClasses];
    throw new DparError(
      `${caller}: expected a class, got null for '${place}', which was trained without a null class. Pass a name or a number.`,
    );
  }
  if (typeof choice === 'number') {
    if (Number.isInteger(choice) && choice >= 0 && (choice < numClasses || (hasNull && choice === numClasses))) {
      return [choice];
    }
    throw new DparError(
      `${caller}: expected classes from 0 to ${numClasses - 1}${hasNull ? ', or null for none' : ''}, got ${choice}. Correct the class.`,
    );
  }
  if (names === undefined) {
    throw new DparError(
      `${caller}: expected the number of a class, from 0 to ${numClasses - 1}, got '${choice}'. '${place}' has no names of ` +
        'classes. Pass a number, or write the names to its classes.json, in order.',
    );
  }
  const labels = classesNamed(choice, names);
  if (labels.length > 0) return labels;
  const { words } = promptNamed(choice, names);
  if (words.length > 0) return [words];
  const nearest = nearestNames(choice, names.map(shownName), suggestions).map((name) => `'${name}'`);
  throw new DparError(
    `${caller}: expected a name of a class of '${place}', got '${choice}'. The nearest names are ${nearest.join(', ')}.`,
  );
}

/** Labels of the classes that images are drawn of if none is chosen: all but words. */
export function allClasses({ numClasses, names = [] }: Classes): number[] {
  const all = Array.from({ length: numClasses }, (_, label) => label);
  return all.filter((label) => !isWord(names[label] ?? ''));
}

/** Name of a class for people: its name or number, `none` for the null class; of a prompt, its words. */
export function nameOf(label: Label, classes: Classes): string {
  if (typeof label !== 'number') return Array.from(label, (word) => nameOf(word, classes)).join(' ');
  const { numClasses, names } = classes;
  return label === numClasses ? 'none' : shownName(names?.[label] ?? `${label}`);
}
