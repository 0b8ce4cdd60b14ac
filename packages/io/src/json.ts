import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';
import { formatOf } from './foreign-file.js';

/** Deepest nesting that {@link parseJsonObject} accepts. File headers need three levels. */
const maximumDepth = 64;

/**
 * Parses a JSON object from an untrusted file, more strictly than `JSON.parse`. The text must be valid UTF-8 and an object. It
 * must not have duplicate keys, the key `__proto__`, or more than 64 levels.
 *
 * @param caller Name of the function, for error messages.
 * @param what Name of the text, for error messages.
 * @throws IoError if the text is refused.
 */
export function parseJsonObject(caller: string, what: string, bytes: Uint8Array): Record<string, unknown> {
  checkArguments('parseJsonObject', { caller, what, bytes }, { caller: 'string', what: 'string', bytes: 'Uint8Array' });
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    checkKeys(text);
    const value: unknown = JSON.parse(text);
    if (!isObject(value))
      throw new Error(`it is ${value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`}`);
    return value;
  } catch (error) {
    const format = formatOf(bytes);
    // For texts the parser's reason says more than the format.
    if (format !== undefined && !/^(JSON )?text, /.test(format.what)) {
      throw new IoError(`${caller}: expected ${what} to be a JSON object, got ${format.what}. ${format.remedy}`);
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new IoError(
      `${caller}: expected ${what} to be a JSON object, got an invalid one (${reason}). The file is damaged or of another format.`,
    );
  }
}

/** Checks that a JSON value is an object, not a list or null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value of a file for error messages, shortened. */
export function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'none';
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** Scans JSON text, valid or not. @throws Error for a duplicate or dangerous key, or deep nesting. */
function checkKeys(text: string): void {
  const open: (Set<string> | undefined)[] = []; // keys seen in each open object, undefined for an array
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > maximumDepth) throw new Error(`nested deeper than ${maximumDepth} levels`);
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const start = i;
      i = closingQuote(text, i);
      const keys = open.at(-1);
      if (keys !== undefined && colonFollows(text, i + 1)) {
        const key: string = JSON.parse(text.slice(start, i + 1));
        if (key === '__proto__') throw new Error("the key '__proto__' is not allowed");
        if (keys.has(key)) throw new Error(`the key ${JSON.stringify(key)} occurs twice`);
        keys.add(key);
      }
    }
  }
}

/** Index of the quote that ends the string at `start`, or the length of the text. */
function closingQuote(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

function colonFollows(text: string, from: number): boolean {
  let i = from;
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++;
  return text[i] === ':';
}
