import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { run } from '@dpar/cli';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { emojiFolder } from '@dpar/emoji/node';
import { expect, onTestFinished } from 'vitest';

/** A user's folder, in which @dpar/emoji is installed; it is the working folder until the test ends. */
export async function enterWorkFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'node_modules/@dpar'), { recursive: true });
  await symlink(dirname(emojiFolder), join(folder, 'node_modules/@dpar/emoji'), 'junction');
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  return folder;
}

/** Runs a `dpar` command of a guide; it must succeed. @returns What it prints. */
export async function runCommand(command: string): Promise<string> {
  const [name, ...argv] = command.split(/\s+/);
  expect(name).toBe('dpar');
  const [stdout, stderr] = [new Capture(), new Capture()];
  const status = await run(argv, { stdout, stderr });
  expect(status === 0 ? '' : stderr.text).toBe('');
  expect(status).toBe(0);
  return stdout.text;
}

class Capture extends Writable {
  text = '';

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
