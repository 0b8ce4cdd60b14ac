import { extname } from 'node:path';
import { UsageError } from '../errors.js';

/** Kind of an output, by the ending of its path. A slash at the end means a folder. */
export type OutputKind = 'png' | 'npz' | 'safetensors' | 'folder';

const otherFiles = ['.jpg', '.jpeg', '.webp', '.gif', '.npy', '.json', '.pt', '.zip', '.bin'];

/** Infers the kind of an output from its path. @throws UsageError for the ending of any other file. */
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
