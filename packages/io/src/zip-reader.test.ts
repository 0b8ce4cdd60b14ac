import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { createMemorySource } from './byte-stream.js';
import { zipChunks } from './zip.js';
import { findZipData, readZipDirectory } from './zip-reader.js';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** Contents of an archive's files, read as text. */
async function contentsOf(archive: Uint8Array): Promise<Record<string, string>> {
  const source = createMemorySource(archive);
  const directory = await readZipDirectory('test', source);
  const contents: Record<string, string> = {};
  for (const member of directory.members.values()) {
    const start = await findZipData('test', source, directory, member);
    contents[member.name] = new TextDecoder().decode(await source.read(start, member.size));
  }
  return contents;
}

async function archiveOf(files: Record<string, string>, alignment: number): Promise<Uint8Array> {
  const entries = Object.entries(files).map(([name, content]) => {
    const bytes = text(content);
    return { name, size: bytes.length, chunks: [bytes] };
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of zipChunks(entries, alignment)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const files = { 'a/é.txt': 'one', 'a/b': '', 'a/c': 'three' };

describe('readZipDirectory', () => {
  it('reads archives in the 32-bit form, as another library writes them', async () => {
    const bytes = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, text(content)]));
    expect(await contentsOf(zipSync(bytes, { level: 0 }))).toEqual(files);
  });

  it.each([1, 2, 64, 4096])('reads archives in the 64-bit form, with data at multiples of %d', async (alignment) => {
    const archive = await archiveOf(files, alignment);
    expect(await contentsOf(archive)).toEqual(files);
    expect(Buffer.from(archive).indexOf('three') % alignment).toBe(0);
  });

  it('finds the end behind a comment', async () => {
    const archive = Buffer.concat([zipSync({ a: text('b') }, { level: 0 }), text('a comment')]);
    archive.writeUInt16LE(9, archive.length - 9 - 2);
    expect(await contentsOf(archive)).toEqual({ a: 'b' });
  });

  it.each([
    ['compressed files', zipSync({ a: text('b'.repeat(100)) }), "got 'a' compressed"],
    ['nothing', new Uint8Array(0), 'the records that end a zip archive'],
    ['an archive without its start', zipSync({ a: text('b') }, { level: 0 }).subarray(3), 'The file is damaged.'],
  ])('refuses %s', async (_, archive, message) => {
    await expect(contentsOf(archive)).rejects.toThrow(message);
  });

  it('refuses two files of one name', async () => {
    const archive = Buffer.from(zipSync({ a1: text('b'), a2: text('c') }, { level: 0 }));
    const twice = Buffer.from(archive.toString('latin1').replaceAll('a2', 'a1'), 'latin1');
    await expect(contentsOf(twice)).rejects.toThrow("got 'a1' twice");
  });
});
