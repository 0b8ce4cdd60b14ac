import { nearestNames } from '@dpar/check';
import { classesNamed } from '@dpar/io';
import { DparError } from '@dpar/tensor';

/** A class: its name, that of a group of classes, its number, or `null` for images without a class. */
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
 * Numbers of the classes that are meant. A name of a group (see `classesNamed` of `@dpar/io`) stands for its classes.
 * @param caller Function that errors name.
 * @throws DparError for an unknown name, with the nearest names, or a number that is out of range.
 */
export function labelsOf(caller: string, choice: ClassChoice, classes: Classes): number[] {
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
  const nearest = nearestNames(choice, names, suggestions).map((name) => `'${name}'`);
  throw new DparError(
    `${caller}: expected a name of a class of '${place}', got '${choice}'. The nearest names are ${nearest.join(', ')}.`,
  );
}

/** Name of a class for people: its name or number, `none` for the null class. */
export function nameOf(label: number, { numClasses, names }: Classes): string {
  return label === numClasses ? 'none' : (names?.[label] ?? `${label}`);
}
