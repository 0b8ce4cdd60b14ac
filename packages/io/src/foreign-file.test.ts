import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fixturePath } from '@dpar/fixtures';
import { float32 } from '@dpar/tensor';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IoError } from './error.js';
import { formatNpy, parseNpy } from './npy.js';
import { openNpy, readNpy } from './npy-file.js';
import { formatNpz, parseNpz } from './npz.js';
import { openNpz } from './npz-file.js';
import { parsePyTorch } from './pytorch/reader.js';
import { openPyTorch } from './pytorch-file.js';
import { formatSafetensors, parseSafetensors } from './safetensors.js';
import { openSafetensors } from './safetensors-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-io-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const safetensors = formatSafetensors({ x: float32([2], [1, 2]) });
const pyTorch = readFileSync(fixturePath('torch-pt/values.pt'));
const tar = Buffer.alloc(1024);
tar.write('model.pt', 0);
tar.write('ustar', 257);
const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n';

const foreign: readonly (readonly [what: string, bytes: Uint8Array, message: string])[] = [
  ['an empty file', Buffer.alloc(0), 'an empty file. Write or download it again.'],
  [
    'a Git LFS pointer',
    Buffer.from(pointer),
    'a Git LFS pointer to a file of 12345 bytes. Fetch the file itself: git lfs pull.',
  ],
  ['a git-annex pointer', Buffer.from('/annex/objects/SHA256E-s9--ab.pt\n'), 'a git-annex pointer. Fetch'],
  ['a DVC pointer', Buffer.from('outs:\n- md5: 00\n  size: 5\n'), 'a DVC pointer. Fetch'],
  [
    'an HTML page',
    Buffer.from('\ufeff\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head>'),
    'an HTML page (Sign in). Download the file itself',
  ],
  [
    'an XML error',
    Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
    'an XML document, "<?xml',
  ],
  [
    'a JSON error',
    Buffer.from('{"error":"Repository not found"}'),
    'JSON text, "{\\"error\\":\\"Repository not found\\"}".',
  ],
  ['plain text', Buffer.from('Entry not found'), 'text, "Entry not found". Download'],
  ['text cut within a character', Buffer.from('ä'.repeat(400)).subarray(0, 511), 'text, "ää'],
  ['a gzip archive', gzipSync(safetensors), 'a gzip archive. Unpack it first.'],
  ['a tar archive', tar, 'a tar archive. Unpack it first.'],
  ['a GGUF file', Buffer.from('GGUF\x03\0\0\0\x10\0\0\0\0\0\0\0'), 'a GGUF file. Get the original weights'],
  ['an HDF5 file', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), 'an HDF5 file. Get'],
  ['an ONNX model', Buffer.from('\x08\x08\x12\x07pytorch\x1a\x03', 'latin1'), 'an ONNX model. Get'],
  ['an image', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'an image (PNG). Pass'],
  ['zeros', Buffer.alloc(5000), 'zeros. Download it again: it is incomplete.'],
];

const files = {
  safetensors: { file: safetensors, memory: parseSafetensors, open: openSafetensors },
  pytorch: { file: pyTorch, memory: parsePyTorch, open: openPyTorch },
  npy: { file: formatNpy(float32([2], [1, 2])), memory: parseNpy, open: openNpy },
  npz: { file: formatNpz({ x: float32([2], [1, 2]) }), memory: parseNpz, open: openNpz },
} as const;

/** Messages of a reader about a file, in memory and on disk. */
async function refusals(format: keyof typeof files, bytes: Uint8Array): Promise<string[]> {
  const path = join(folder, `model.${format}`);
  writeFileSync(path, bytes);
  const { memory, open } = files[format];
  const errors = await Promise.all(
    [async () => memory(bytes), () => open(path)].map((read) =>
      read().then(
        () => undefined,
        (error: unknown) => error,
      ),
    ),
  );
  return errors.map((error) => {
    if (!(error instanceof IoError)) throw new Error(`expected an IoError, got ${error}`);
    return error.message;
  });
}

describe.each(Object.keys(files) as (keyof typeof files)[])('readers of %s', (format) => {
  it.each(foreign)('name %s', async (_, bytes, message) => {
    for (const refusal of await refusals(format, bytes)) {
      expect(refusal).toContain(`got ${message}`);
      expect(refusal).toMatch(/^\w+( \('.*'\))?: expected an? \w+/);
    }
  });

  it.each(Object.entries(files).filter(([other]) => other !== format))('name a file of %s', async (other, { file }) => {
    const names = {
      safetensors: /safetensors/,
      pytorch: /PyTorch|values\/data\.pkl/,
      npy: /\(\.npy\)/,
      npz: /x\.npy|\(\.npz\)/,
    };
    for (const refusal of await refusals(format, file)) {
      expect(refusal.slice(refusal.indexOf('got '))).toMatch(names[other as keyof typeof names]);
    }
  });

  it('read their own', async () => {
    const { file, memory, open } = files[format];
    await memory(file);
    const path = join(folder, `own.${format}`);
    writeFileSync(path, file);
    await (await open(path)).close();
  });
});

it('names the file that is packed in an archive of weights', async () => {
  const [message] = await refusals('pytorch', zipSync({ 'checkpoint/model.pt': pyTorch }));
  expect(message).toContain('got checkpoint/model.pt. Unpack it and pass checkpoint/model.pt.');
});

it('names an array that is called an archive, and the other way round', async () => {
  const path = join(folder, 'array.npz');
  writeFileSync(path, files.npy.file);
  await expect(openNpz(path)).rejects.toThrow('a NumPy array (.npy). Give it a name that ends in .npy.');
  writeFileSync(path, files.npz.file);
  await expect(readNpy(path)).rejects.toThrow('a NumPy archive (.npz). Give it a name that ends in .npz.');
});
