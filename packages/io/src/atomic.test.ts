import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { siblingOf, writeFileAtomic, writeFilesAtomic } from './atomic-file.js';
import {
  findFolder,
  recoverFiles,
  recoverFilesIn,
  recoverFolder,
  removeFolderAtomic,
  writeFolderAtomic,
} from './atomic-folder.js';

// Every operation on the file system counts down; at 0 it fails, and in a crash so does each one after it.
const disk = vi.hoisted(() => ({ left: Infinity, crash: false, done: 0 }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>();
  type Operation = (...parameters: unknown[]) => Promise<unknown>;
  function failing(name: string, operation: Operation): Operation {
    return async (...parameters) => {
      disk.done++;
      const left = disk.left--;
      if (left === 0 && name === 'rm' && disk.crash) await removeOneEntry(String(parameters[0]));
      if (left === 0 || (left < 0 && disk.crash)) throw new Error(`injected failure of ${name}`);
      const result = await operation(...parameters);
      if (name === 'open') {
        const handle = result as { sync: Operation };
        handle.sync = failing('sync', handle.sync.bind(handle));
      }
      return result;
    };
  }
  /** A crash may leave a folder half removed. */
  async function removeOneEntry(folder: string): Promise<void> {
    const [first] = await original.readdir(folder).catch(() => []);
    if (first !== undefined) await original.rm(join(folder, first), { recursive: true });
  }
  const names = ['lstat', 'mkdir', 'open', 'readdir', 'readlink', 'rename', 'rm', 'writeFile'] as const;
  return {
    ...original,
    ...Object.fromEntries(names.map((name) => [name, failing(name, original[name] as Operation)])),
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-atomic-'));
});
afterEach(() => {
  works();
  rmSync(folder, { recursive: true });
});

function works(): void {
  Object.assign(disk, { left: Infinity, crash: false, done: 0 });
}

/** Error that `action` threw, or undefined. */
async function failureOf(action: Promise<unknown>): Promise<Error | undefined> {
  return action.then(
    () => undefined,
    (error: Error) => error,
  );
}

/** Number of operations of `action` without a failure. */
async function countOperations(action: () => Promise<void>): Promise<number> {
  works();
  await action();
  return disk.done;
}

describe('writeFileAtomic', () => {
  it('writes text, bytes and pieces, and makes the folders above', async () => {
    const path = join(folder, 'a', 'b', 'file');
    await writeFileAtomic(path, 'täxt');
    expect(readFileSync(path, 'utf8')).toBe('täxt');
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    expect([...readFileSync(path)]).toEqual([1, 2]);
    await writeFileAtomic(path, [Uint8Array.of(3), Uint8Array.of(4, 5)]);
    expect([...readFileSync(path)]).toEqual([3, 4, 5]);
    await writeFileAtomic(
      path,
      (async function* () {
        yield Uint8Array.of(6);
        expect([...readFileSync(path)]).toEqual([3, 4, 5]); // not before the end
        yield Uint8Array.of(7);
      })(),
    );
    expect([...readFileSync(path)]).toEqual([6, 7]);
    expect(readdirSync(join(folder, 'a', 'b'))).toEqual(['file']);
  });

  it('leaves the old file and nothing else when the content fails', async () => {
    const path = join(folder, 'file');
    await writeFileAtomic(path, 'old');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error('producer failed');
    }
    await expect(writeFileAtomic(path, broken())).rejects.toThrow('producer failed');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('refuses to replace a folder', async () => {
    mkdirSync(join(folder, 'taken'));
    await expect(writeFileAtomic(join(folder, 'taken'), 'new')).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('holds the old or the new content whichever operation fails, or is the last before a crash', async () => {
    const path = join(folder, 'file');
    const operations = await countOperations(() => writeFileAtomic(path, 'old'));
    expect(operations).toBeGreaterThanOrEqual(7);
    for (const crash of [false, true]) {
      for (let left = 0; left < operations; left++) {
        works();
        await writeFileAtomic(path, 'old');
        Object.assign(disk, { left, crash });
        const failure = await failureOf(writeFileAtomic(path, 'new'));
        works();
        expect(failure?.message).toContain('injected failure');
        expect(readFileSync(path, 'utf8')).toMatch(/^(old|new)$/);
        if (!crash) expect(readdirSync(folder)).toEqual(['file']);
      }
    }
  });
});

describe('writeFolderAtomic', () => {
  const names = ['config', 'weights'];

  /** Writes a version of a folder: two files and one in a folder below, all with the same text. */
  async function write(path: string, version: string): Promise<void> {
    await writeFolderAtomic(path, async (partial) => {
      expect(partial).not.toBe(path);
      for (const name of names) writeFileSync(join(partial, name), version);
      mkdirSync(join(partial, 'more'));
      writeFileSync(join(partial, 'more', 'deep'), version);
    });
  }

  /** The version that a complete folder holds; fails the test on a torn or incomplete one. */
  function versionAt(path: string): string {
    const files = [...names, join('more', 'deep')].map((name) => readFileSync(join(path, name), 'utf8'));
    expect(new Set(files).size).toBe(1);
    return files[0] as string;
  }

  it('makes a folder, and replaces it with all that it held', async () => {
    const path = join(folder, 'runs', 'checkpoint');
    expect(await findFolder(path)).toBeUndefined();
    await write(path, 'one');
    writeFileSync(join(path, 'extra'), 'x');
    await write(path, 'two');
    expect(versionAt(path)).toBe('two');
    expect(readdirSync(path).sort()).toEqual(['config', 'more', 'weights']);
    expect(readdirSync(join(folder, 'runs'))).toEqual(['checkpoint']);
    expect(await findFolder(path)).toBe(path);
  });

  it('leaves the old folder and nothing else when filling fails', async () => {
    const path = join(folder, 'checkpoint');
    await write(path, 'old');
    const filling = writeFolderAtomic(path, async (partial) => {
      writeFileSync(join(partial, 'config'), 'new');
      throw new Error('fill failed');
    });
    await expect(filling).rejects.toThrow('fill failed');
    expect(versionAt(path)).toBe('old');
    expect(readdirSync(folder)).toEqual(['checkpoint']);
  });

  it('refuses to replace a file', async () => {
    writeFileSync(join(folder, 'file'), 'text');
    await expect(write(join(folder, 'file'), 'new')).rejects.toThrow('got a file');
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('text');
  });

  it.skipIf(process.platform === 'win32')('follows a symbolic link', async () => {
    await write(join(folder, 'disk', 'real'), 'old');
    symlinkSync(join(folder, 'disk', 'real'), join(folder, 'link'));
    await write(join(folder, 'link'), 'new');
    expect(versionAt(join(folder, 'disk', 'real'))).toBe('new');
    expect(versionAt(join(folder, 'link'))).toBe('new');
    // Also when a crash has left the link without its target.
    renameSync(join(folder, 'disk', 'real'), join(folder, 'disk', '.real.previous-0123456789abcdef'));
    expect(versionAt((await findFolder(join(folder, 'link'))) as string)).toBe('new');
    await write(join(folder, 'link'), 'newer');
    expect(versionAt(join(folder, 'link'))).toBe('newer');
    expect(readdirSync(join(folder, 'disk'))).toEqual(['real']);
    symlinkSync('circle', join(folder, 'circle'));
    await expect(write(join(folder, 'circle'), 'new')).rejects.toThrow('circle');
  });

  it('leaves folders alone that only have similar names', async () => {
    const others = ['.checkpoint.partial-mine', '.checkpoint2.partial-0123456789abcdef', 'checkpoint.previous'];
    for (const name of others) mkdirSync(join(folder, name));
    await write(join(folder, 'checkpoint'), 'new');
    expect(readdirSync(folder).sort()).toEqual([...others, 'checkpoint'].sort());
  });

  it.each([
    { crash: false, removed: false },
    { crash: true, removed: false },
    { crash: true, removed: true },
  ])('survives a failure at any operation: %o', async ({ crash, removed }) => {
    const path = join(folder, 'checkpoint');
    await write(path, 'old');
    const operations = await countOperations(() => write(path, 'old'));
    expect(operations).toBeGreaterThanOrEqual(20);
    let setAside = 0;
    for (let left = 0; left < operations; left++) {
      works();
      await write(path, 'old');
      Object.assign(disk, { left, crash });
      const failure = await failureOf(write(path, 'new'));
      works();
      if (failure !== undefined) expect(failure.message).toContain('injected failure');
      const found = (await findFolder(path)) as string;
      const version = versionAt(found);
      expect(failure === undefined ? version : ['old', 'new']).toEqual(
        failure === undefined ? 'new' : expect.arrayContaining([version]),
      );
      if (found !== path) setAside++;
      if (!crash) expect(found).toBe(path);
      if (removed) {
        // Someone removes the folder: what may still be found must be complete.
        rmSync(found, { recursive: true });
        const other = await findFolder(path);
        if (other !== undefined) versionAt(other);
      }
      // The next write works and removes what was left.
      await write(path, 'next');
      expect(versionAt(path)).toBe('next');
      expect(readdirSync(folder)).toEqual(['checkpoint']);
    }
    expect(setAside).toBe(crash ? 1 : 0); // the crash between the two renames was among the cases
  });

  it('survives a crash while it recovers from a crash', async () => {
    const path = join(folder, 'checkpoint');
    for (let left = 0; ; left++) {
      works();
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      // As a crash between the two renames leaves it.
      await write(path, 'old');
      await write(join(folder, '.checkpoint.previous-0123456789abcdef'), 'old');
      await write(join(folder, '.checkpoint.partial-0123456789abcdef'), 'never');
      rmSync(path, { recursive: true });
      Object.assign(disk, { left, crash: true });
      const failure = await failureOf(write(path, 'new'));
      works();
      expect(versionAt((await findFolder(path)) as string)).toMatch(failure === undefined ? /^new$/ : /^(old|new)$/);
      await write(path, 'next');
      expect(versionAt(path)).toBe('next');
      expect(readdirSync(folder)).toEqual(['checkpoint']);
      if (failure === undefined && left > 30) break;
    }
    expect(existsSync(path)).toBe(true);
  });
});

describe('recoverFolder', () => {
  it('puts back what was moved aside and removes the other remains of all names, and nothing else', async () => {
    const id = '0123456789abcdef';
    for (const name of [`.gone.previous-${id}`, `.there.previous-${id}`, `.gone.partial-${id}`, 'there', '.hidden']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'origin'), name);
    }
    writeFileSync(join(folder, `.metrics.partial-${id}`), 'half');
    writeFileSync(join(folder, '.a.partial-mine'), 'x');
    const before = readdirSync(folder);
    await recoverFolder(folder, ['other', '.hidden']);
    expect(readdirSync(folder)).toEqual(before);
    await recoverFolder(folder);
    expect(readdirSync(folder).sort()).toEqual(['.a.partial-mine', '.hidden', 'gone', 'there']);
    expect(readFileSync(join(folder, 'gone', 'origin'), 'utf8')).toBe(`.gone.previous-${id}`);
    expect(readFileSync(join(folder, 'there', 'origin'), 'utf8')).toBe('there');
    await recoverFolder(join(folder, 'none'));
  });
});

describe('recoverFiles', () => {
  it('removes what ended processes left of its files in all folders, and nothing else', async () => {
    const ended = spawnSync(process.execPath, ['-e', '']).pid;
    const mine = siblingOf(join(folder, 'a.npz'), 'partial');
    const dead = mine.replace(/(?<=partial-....)....../, ended.toString(16).padStart(6, '0'));
    const hour = new Date(Date.now() - 4_000_000);
    mkdirSync(join(folder, 'below'));
    const machine = mine.slice(-16, -12) === '0000' ? '1111' : '0000';
    const far = (name: string) => join(folder, `${name}.partial-${machine}456789abcdef`);
    const [old, fresh, other] = [far('below/.a.npz'), far('.a.npz'), far('.b.npz')];
    for (const path of [join(folder, 'a.npz'), mine, dead, old, fresh, other]) writeFileSync(path, 'x');
    for (const path of [old, other]) utimesSync(path, hour, hour);
    await recoverFiles(['a.npz', 'below/a.npz', 'none/a.npz'].map((path) => join(folder, path)));
    const left = readdirSync(folder, { recursive: true }).map((path) => join(folder, `${path}`));
    expect(left.sort()).toEqual([join(folder, 'a.npz'), join(folder, 'below'), mine, fresh, other].sort());
    await recoverFilesIn(folder);
    await recoverFilesIn(join(folder, 'none'));
    expect(readdirSync(folder).sort()).toEqual(
      ['a.npz', 'below', ...[mine, fresh].map((path) => basename(path))].sort(),
    );
  });
});

describe('an error of the system that names no place', () => {
  /** As the system reports a full disk to the writer of an open file. */
  async function* full(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  }
  const pathOf = async (writing: Promise<unknown>) => ((await failureOf(writing)) as NodeJS.ErrnoException).path;

  it('names the file or folder that was to be written, whichever writes it', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    expect(await pathOf(writeFileAtomic(one, full()))).toBe(one);
    const files = [
      { path: one, content: 'whole' },
      { path: two, content: full() },
    ];
    expect(await pathOf(writeFilesAtomic(files))).toBe(two);
    const inFolder = (name: string) =>
      writeFolderAtomic(one, (partial) => writeFileAtomic(join(partial, name), full()));
    expect(await pathOf(inFolder('weights'))).toBe(join(one, 'weights'));
    const nested = writeFolderAtomic(one, (partial) =>
      writeFilesAtomic([{ path: join(partial, 'a'), content: full() }]),
    );
    expect(await pathOf(nested)).toBe(join(one, 'a'));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps the place of what was read', async () => {
    const missing = Object.assign(new Error('ENOENT'), { code: 'ENOENT', path: '/other' });
    expect(await pathOf(writeFolderAtomic(join(folder, 'one'), () => Promise.reject(missing)))).toBe('/other');
  });
});

describe('removeFolderAtomic', () => {
  it('leaves the folder whole or without its name, whatever operation is the last before a crash', async () => {
    const path = join(folder, 'checkpoint');
    const make = (): void => {
      mkdirSync(path);
      for (const name of ['config', 'weights']) writeFileSync(join(path, name), name);
    };
    make();
    const operations = await countOperations(() => removeFolderAtomic(path));
    expect(readdirSync(folder)).toEqual([]);
    expect(operations).toBeGreaterThanOrEqual(2);
    for (let left = 0; left < operations; left++) {
      works();
      make();
      Object.assign(disk, { left, crash: true });
      expect((await failureOf(removeFolderAtomic(path)))?.message).toContain('injected failure');
      works();
      if (existsSync(path)) expect(readdirSync(path)).toEqual(['config', 'weights']);
      await recoverFolder(folder);
      await removeFolderAtomic(path);
      expect(readdirSync(folder)).toEqual([]);
    }
    await removeFolderAtomic(path); // nothing is there
  });
});
