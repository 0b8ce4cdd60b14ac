import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Links to lines of code, written [`name`](path#L1), lead to the line that declares the name.
 *
 * @param text Markdown of the file at `path`.
 * @throws Error if a file is missing or declares no such name.
 */
export function refreshLinks(text, path) {
  return text.replace(/\[`(\w+)`\]\(([^)\s#]+\.ts)#L\d+\)/g, (_, name, target) => {
    const line = lineOf(name, join(dirname(path), target));
    if (line === undefined)
      throw new Error(`refreshLinks: expected ${target} to declare ${name}, got none in ${path}.`);
    return `[\`${name}\`](${target}#L${line})`;
  });
}

/** Declarations of functions, classes, types and constants, methods, and members of types. */
function lineOf(name, file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const forms = [
    `^(export )?(async )?(function\\*?|const|class|interface|type) ${name}\\b`,
    `^  (static |async |private |readonly |\\*)*${name}[?]?[(<:]`,
  ];
  for (const form of forms) {
    const index = lines.findIndex((line) => new RegExp(form).test(line));
    if (index >= 0) return index + 1;
  }
  return undefined;
}
