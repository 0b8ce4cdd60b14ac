import { readdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { writeFileAtomic, writeFolderAtomic } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import { checkArguments } from '../check-arguments.js';
import { EntropyMap } from '../entropy-map.js';
import { Images } from '../images.js';

/** Pictures of a model, which can be saved. */
export class SavableImages extends Images {
  /**
   * Saves the images: as one grid in a file that ends in `.png`, where a single image has no frame, or else each as
   * `000000.png` and so on in a folder. Files and folders appear whole or not at all; missing folders are made, and earlier
   * pictures are replaced.
   * @param columns Columns of the grid, see {@link Images.grid}.
   * @throws DparError for another kind of file, or a folder with files of others.
   */
  async save(path: string, columns?: number): Promise<void> {
    checkArguments('Images.save', { path, columns }, { path: 'string', 'columns?': 'number' });
    if (kindOf('Images.save', path) === 'file')
      return writeFileAtomic(path, this.count === 1 ? this.png() : this.grid(columns));
    await checkFolder(path);
    await writeFolderAtomic(path, async (partial) => {
      for (let i = 0; i < this.count; i++) await writeFile(join(partial, fileName(i)), this.png(i));
    });
  }
}

/** An entropy map, which can be saved. */
export class SavableEntropyMap extends EntropyMap {
  /**
   * Saves the picture of the entropies as a PNG file, which appears whole or not at all.
   * @param cell Width and height of a token in pixels, see {@link EntropyMap.png}.
   * @throws DparError for another kind of file.
   */
  async save(path: string, cell?: number): Promise<void> {
    checkArguments('EntropyMap.save', { path, cell }, { path: 'string', 'cell?': 'number' });
    if (kindOf('EntropyMap.save', path) === 'folder') {
      throw new DparError(`EntropyMap.save: expected the path of a .png file, got '${path}'. Pass such a path.`);
    }
    await writeFileAtomic(path, this.png(cell));
  }
}

const fileName = (index: number): string => `${String(index).padStart(6, '0')}.png`;

/** Kind of an output by the ending of its path. @throws DparError for the ending of another file. */
function kindOf(caller: string, path: string): 'file' | 'folder' {
  if (/[/\\]$/.test(path)) return 'folder';
  const extension = extname(path).toLowerCase();
  if (extension === '.png') return 'file';
  if (extension === '') return 'folder';
  throw new DparError(`${caller}: expected a path that ends in .png, or a folder, got '${path}'. Change the ending.`);
}

/** @throws DparError for a folder with other files than pictures of an earlier call, which a new one would replace. */
async function checkFolder(path: string): Promise<void> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const other = names.find((name) => !/^\d{6,}\.png$/.test(name));
  if (other === undefined) return;
  throw new DparError(
    `Images.save: expected an empty or a new folder, or one of earlier pictures, got '${other}' in '${path}'. Choose another folder.`,
  );
}
