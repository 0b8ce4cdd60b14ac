import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { CommandError, UsageError } from '../errors.js';

/** What a path asks for, by how it ends: one that ends in a slash is a folder. */
export type OutputKind = 'png' | 'npz' | 'safetensors' | 'folder';

const otherFiles = ['.jpg', '.jpeg', '.webp', '.gif', '.npy', '.json', '.pt', '.zip', '.bin'];

/** @throws UsageError for a kind of file that is not written. */
export function outputKind(path: string): OutputKind {
  if (/[/\\]$/.test(path)) return 'folder';
  const extension = extname(path).toLowerCase();
  if (extension === '.png' || extension === '.npz' || extension === '.safetensors') {
    return extension.slice(1) as OutputKind;
  }
  if (otherFiles.includes(extension)) {
    throw new UsageError(
      `--output: expected a path that ends in .png, .npz or .safetensors, or a folder, got '${path}'.`,
    );
  }
  return 'folder';
}

/** Checks before hours of work that its result can be put in place. @throws CommandError if something else is there. */
export async function checkPlace(path: string, kind: OutputKind): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined || there.isDirectory() === (kind === 'folder')) return;
  const [expected, got] = kind === 'folder' ? ['a folder', 'a file'] : ['a file', 'a folder'];
  throw new CommandError(`--output: expected ${expected} or nothing at '${path}', got ${got}. Choose another path.`);
}
