import { extname } from 'node:path';
import { UsageError } from '../errors.js';

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
