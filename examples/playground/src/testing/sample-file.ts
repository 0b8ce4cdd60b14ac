import { fileURLToPath } from 'node:url';

/** File of an emoji of the package that the page takes its samples from, by its code points: '1f981'. */
export function sampleFile(emoji: string): string {
  return fileURLToPath(
    new URL(`../../node_modules/emoji-datasource-google/img/google/64/${emoji}.png`, import.meta.url),
  );
}
