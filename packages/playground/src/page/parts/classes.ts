import { promptNamed } from '@dpar/io';
import type { Label } from '@dpar/sampler';
import { html, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { ModelInfo } from '../../model/model-info.js';

type Classes = Pick<ModelInfo, 'classes' | 'words'>;

/** Classes and words, and whether the model draws images without either, as it does for guidance. */
type Prompts = Classes & Pick<ModelInfo, 'hasGuidance'>;

/** A class whose name is `group/name`, or of no group. */
interface GroupedClass {
  readonly label: number;
  readonly group: string | undefined;
  readonly name: string;
}

/** Splits the name of a class at its first slash. A name with nothing before or after it has no group. */
function grouped(className: string, label: number): GroupedClass {
  const slash = className.indexOf('/');
  const [group, name] = [className.slice(0, Math.max(0, slash)).trim(), className.slice(slash + 1).trim()];
  return group && name ? { label, group, name } : { label, group: undefined, name: className };
}

/**
 * Name of what is drawn, in a sentence or heading: of a class without its group, unless another class has the same name, of a prompt
 * its words.
 */
export function classTitle(info: Classes, label: Label): string {
  if (typeof label !== 'number') return Array.from(label, (word) => classTitle(info, word)).join(' ');
  const { classes, words } = info;
  if (label >= classes.length) return words[label - classes.length] ?? 'anything';
  const { group, name } = grouped(classes[label] ?? '', label);
  const isUnique = classes.every((other, i) => i === label || grouped(other, i).name !== name);
  return group === undefined || isUnique ? name : `${group}: ${name}`;
}

/** Content of an image that the text of a prompt asks for. */
export interface PromptLabel {
  /** The words that the model knows. Without any: the class of images without a class, or undefined if there is none. */
  readonly label: Label | undefined;
  /** Words of the text that the model does not know. */
  readonly unknown: readonly string[];
}

/** Label of the text of a prompt; undefined for no text. */
export function promptLabel({ classes, words, hasGuidance }: Prompts, text: string): PromptLabel | undefined {
  const { words: known, unknown } = promptNamed(
    text,
    words.map((word) => `/${word}`),
  );
  if (known.length === 0 && unknown.length === 0) return undefined;
  if (known.length > 0) return { label: known.map((word) => classes.length + word), unknown };
  return { label: hasGuidance ? classes.length + words.length : undefined, unknown };
}

/** Label of a class by its whole name; undefined for another name, or none. */
export function classLabel({ classes }: Classes, className: string | undefined): number | undefined {
  const label = className === undefined ? -1 : classes.indexOf(className);
  return label < 0 ? undefined : label;
}

/**
 * Options of a menu of classes, in their groups. Their values are the whole names. Groups and classes keep their order.
 * @param chosen Label of the selected class, if there is one.
 */
export function classOptions({ classes }: Classes, chosen: number | undefined): TemplateResult[] {
  const all = classes.map(grouped);
  const option = ({ label, name }: GroupedClass): TemplateResult =>
    html`<option value=${classes[label] ?? ''} .selected=${live(label === chosen)}>${name}</option>`;
  return all.flatMap((each, i) => {
    const { group } = each;
    if (group === undefined) return option(each);
    const members = all.filter((other) => other.group === group);
    return members[0]?.label === i ? html`<optgroup label=${group}>${members.map(option)}</optgroup>` : [];
  });
}
