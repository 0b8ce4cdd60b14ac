import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type ClassNames, checkClassNames, formatDigest } from '@dpar/io/node';
import { readClassNames } from '@dpar/train/node';
import { CommandError } from '../command/errors.js';

/**
 * Reads the names of classes in the order of their numbers. The source is JSON such as `classes.json`, text with a name
 * on each line, or tokens (a folder or safetensors file).
 * @throws CommandError or DparError that names an invalid or repeated entry.
 */
export async function readClassList(path: string): Promise<ClassNames> {
  if (path.endsWith('.safetensors') || (await stat(path)).isDirectory()) {
    const names = await readClassNames(path);
    if (names !== undefined) return names;
    throw new CommandError(
      `--classes-file: expected tokens with a list of classes in '${path}', got none. Pass a JSON list, or a file with a name on each line.`,
    );
  }
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  if (!/^\s*[[{]/.test(text)) return checkClassNames(path, text.replace(/(\r?\n)+$/, '').split(/\r?\n/));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      `--classes-file: expected a JSON list of names, or a name on each line, in '${path}', got damaged JSON (${reason}). Correct it.`,
    );
  }
  return checkClassNames(path, value);
}

/** Digest of a list of classes, for settings. */
export function classDigest(names: readonly string[]): string {
  return formatDigest(createHash('sha256').update(JSON.stringify(names)));
}
