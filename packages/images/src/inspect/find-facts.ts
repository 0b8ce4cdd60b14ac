import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { damageOf, type PictureFacts, pictureFacts } from './picture-facts.js';

/** Files to inspect. */
export interface FactsRequest {
  readonly files: readonly {
    readonly path: string;
    /** True to make a digest of the content, because other files have the same size. */
    readonly digest: boolean;
  }[];
  /** True: decodes all pixels. */
  readonly pixels: boolean;
}

/** Facts of a file, or why it cannot be read. */
export interface FoundPicture {
  readonly facts?: PictureFacts;
  readonly damage?: string;
  /** SHA-256 of the content, in hexadecimal digits. */
  readonly digest?: string;
}

/** Inspects files in turn. @throws MissingSharpError */
export async function findFacts({ files, pixels }: FactsRequest): Promise<FoundPicture[]> {
  const found: FoundPicture[] = [];
  for (const { path, digest } of files) {
    try {
      const bytes = await readFile(path);
      const content = digest ? { digest: createHash('sha256').update(bytes).digest('hex') } : {};
      const facts = await pictureFacts(path, bytes, pixels).catch(damageOf);
      found.push(typeof facts === 'string' ? { damage: facts, ...content } : { facts, ...content });
    } catch (error) {
      found.push({ damage: damageOf(error) });
    }
  }
  return found;
}
