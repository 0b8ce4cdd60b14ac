import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder } from '@dpar/emoji/node';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { resolveModelFolder } from './resolve.js';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

/** Makes files in the folder, with their folders. */
async function make(...files: string[]): Promise<void> {
  for (const file of files) {
    await mkdir(join(folder, file, '..'), { recursive: true });
    await writeFile(join(folder, file), '{}');
  }
}

/** Makes a folder the working directory until the end of the test. */
function enter(path: string): void {
  const before = process.cwd();
  process.chdir(path);
  onTestFinished(() => process.chdir(before));
}

const parts = ['tokenizer/config.json', 'dpar/config.json'];

describe('resolveModelFolder finds', () => {
  it('a model folder, by a relative or an absolute path', async () => {
    await make('a/tokenizer/config.json', 'a/llamagen/config.json');
    expect(resolveModelFolder(join(folder, 'a'))).toBe(join(folder, 'a'));
    enter(folder);
    expect(resolveModelFolder('a')).toBe(join(process.cwd(), 'a'));
    expect(resolveModelFolder('./a/')).toBe(join(process.cwd(), 'a'));
  });

  it('the model of a run, whose training runs are beside it', async () => {
    await make('run/create.json', 'run/tokenizer/train.json', ...parts.map((part) => `run/model/${part}`));
    expect(resolveModelFolder(join(folder, 'run'))).toBe(join(folder, 'run/model'));
  });

  it('the model of a package that is installed where the program runs, or beside this package', async () => {
    await make('app/src/x.js', 'app/node_modules/@me/cats/package.json');
    await cp(emojiFolder, join(folder, 'app/node_modules/@me/cats/model'), { recursive: true });
    expect(resolveModelFolder('@dpar/emoji')).toBe(join(emojiFolder));
    enter(join(folder, 'app/src'));
    expect(resolveModelFolder('@me/cats')).toBe(join(process.cwd(), '../node_modules/@me/cats/model'));
    expect(resolveModelFolder('@dpar/emoji')).toBe(emojiFolder);
  });

  it('a package that hides its package.json', async () => {
    await make(...parts.map((part) => `node_modules/cats/model/${part}`));
    await writeFile(join(folder, 'node_modules/cats/package.json'), '{ "exports": { ".": "./index.js" } }');
    enter(folder);
    expect(resolveModelFolder('cats')).toBe(join(process.cwd(), 'node_modules/cats/model'));
  });
});

describe('resolveModelFolder names what it found instead of a model:', () => {
  const got = async (name: string, ...files: string[]): Promise<string> => {
    await make(...files);
    enter(folder);
    try {
      return resolveModelFolder(name);
    } catch (error) {
      return String(error).replaceAll(process.cwd(), '.');
    }
  };

  it.each([
    [
      'run',
      ['run/create.json', 'run/tokenizer/train.json'],
      'got an unfinished run of dpar create. Run the same dpar create',
    ],
    ['dpar', ['dpar/train.json', 'dpar/best/config.json', 'dpar/last/config.json'], "Copy 'dpar/best' to MODEL/dpar"],
    ['dpar', ['dpar/train.json'], 'got a run of dpar train, which has one model and no tokenizer. Finish the run'],
    ['m/dpar', parts.map((part) => `m/${part}`), "got one checkpoint. Pass './m', the folder above it."],
    ['dpar', ['dpar/config.json'], 'got one checkpoint. Put it into a folder with tokenizer/'],
    ['m', ['m/tokenizer/config.json'], 'got a folder with only tokenizer.'],
    ['m', ['m/photo.png'], 'got a folder without checkpoints in it.'],
    ['m.zip', ['m.zip'], "as 'm.zip', got a file."],
    ['./m', [], "as './m', got no such folder. Check the path."],
    ['@dpar/nothing', [], "neither the folder './@dpar/nothing' nor a package of this name in the node_modules of '.'"],
    ['@dpar/nothing', [], 'npm install @dpar/nothing'],
    ['@dpar/io', [], "got a package without models in '"],
  ])('%s with %j', async (name, files, message) => {
    expect(await got(name, ...files)).toContain(message);
  });
});
