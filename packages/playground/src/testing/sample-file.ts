import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emojiFolder } from '@dpar/emoji/node';

/** File of a picture that the page of @dpar/emoji offers, by its name: 'lion'. */
export function sampleFile(name: string): string {
  return join(emojiFolder, 'examples', `${name}.png`);
}

/** Class of a picture that the page of @dpar/emoji offers, by its name on the page: 'Lion'. */
export function sampleClass(name: string): string {
  const { examples } = presentation();
  const found = examples.find((example) => example.name === name)?.class;
  if (found === undefined) throw new Error(`no picture '${name}' of a class in ${emojiFolder}`);
  return found;
}

/** Class that the page of @dpar/emoji selects at first. */
export function firstClass(): string {
  return presentation().class;
}

/** Name of a class in a heading: without its group. */
export function titleOf(className: string): string {
  return className.slice(className.indexOf('/') + 1);
}

interface Presentation {
  readonly class: string;
  readonly examples: readonly { readonly name: string; readonly class?: string }[];
}

const presentation = (): Presentation => JSON.parse(readFileSync(join(emojiFolder, 'page.json'), 'utf8'));
