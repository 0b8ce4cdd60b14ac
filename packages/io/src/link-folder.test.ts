import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { linkFolder } from './link-folder.js';

const refusal = vi.hoisted(() => ({ code: '' }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>();
  return {
    ...original,
    link: async (source: string, target: string) => {
      if (refusal.code !== '') throw Object.assign(new Error('no links'), { code: refusal.code });
      await original.link(source, target);
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-link-'));
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'a', 'weights'), 'new');
});
afterEach(() => {
  refusal.code = '';
  rmSync(folder, { recursive: true });
});

const inode = (...path: string[]): number => statSync(join(folder, ...path)).ino;

it('gives the files a second name and outlives the first', async () => {
  mkdirSync(join(folder, 'b'));
  writeFileSync(join(folder, 'b', 'older'), 'old');
  await linkFolder(join(folder, 'a'), join(folder, 'b'));
  expect(inode('b', 'weights')).toBe(inode('a', 'weights'));
  rmSync(join(folder, 'a'), { recursive: true });
  expect(readdirSync(folder)).toEqual(['b']);
  expect(readdirSync(join(folder, 'b'))).toEqual(['weights']);
  expect(readFileSync(join(folder, 'b', 'weights'), 'utf8')).toBe('new');
});

it('copies where there are no hard links', async () => {
  refusal.code = 'EPERM';
  await linkFolder(join(folder, 'a'), join(folder, 'b'));
  expect(inode('b', 'weights')).not.toBe(inode('a', 'weights'));
  expect(readFileSync(join(folder, 'b', 'weights'), 'utf8')).toBe('new');
});

it('passes other errors on and leaves nothing', async () => {
  refusal.code = 'EIO';
  await expect(linkFolder(join(folder, 'a'), join(folder, 'b'))).rejects.toThrow('no links');
  expect(readdirSync(folder)).toEqual(['a']);
});
