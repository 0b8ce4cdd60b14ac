import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { describe, expect, it } from 'vitest';
import { lockFolder } from './folder-lock.js';

describe('lockFolder', () => {
  it('lets one in at a time, and leaves nothing behind', async () => {
    const path = join(await temporaryFolder(), 'run');
    const lock = await lockFolder(path);
    expect(JSON.parse(await readFile(join(path, '.lock'), 'utf8'))).toEqual({ pid: process.pid, host: hostname() });
    await expect(lockFolder(path)).rejects.toThrow(`got a lock of process ${process.pid} on '${hostname()}'.`);
    await lock.release();
    await (await lockFolder(path)).release();
    expect(await readdir(path)).toEqual([]);
  });

  it('lets one of many in that come at once', async () => {
    const path = join(await temporaryFolder(), 'many');
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(path)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(path)).toEqual(['.lock']);
  });

  it('takes over from a process of this machine that is gone, not from one that is not seen', async () => {
    const path = await temporaryFolder();
    for (const name of ['..lock', '..lock-takeover'])
      await writeFile(join(path, `${name}.partial-0123456789abcdef`), '');
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await writeFile(join(path, '.lock'), JSON.stringify({ pid: child.pid, host: hostname() }));
    await (await lockFolder(path)).release();
    expect(await readdir(path)).toEqual([]);
    await writeFile(join(path, '.lock'), JSON.stringify({ pid: child.pid, host: hostname() }));
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(path)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await writeFile(join(path, '.lock'), JSON.stringify({ pid: child.pid, host: 'elsewhere' }));
    await expect(lockFolder(path)).rejects.toThrow(/got a lock of .* on 'elsewhere'.*remove '.*\.lock'/);
    await writeFile(join(path, '.lock'), '');
    await expect(lockFolder(path)).rejects.toThrow(/Remove that file/);
  });
});
