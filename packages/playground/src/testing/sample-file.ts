import { join } from 'node:path';
import { emojiFolder } from '@dpar/emoji/node';

/** File of a picture that the page of @dpar/emoji offers, by its name: 'lion'. */
export function sampleFile(name: string): string {
  return join(emojiFolder, 'examples', `${name}.png`);
}
