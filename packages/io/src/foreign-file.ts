import { checkArguments } from './check-arguments.js';
import { IoError } from './error.js';

/** Formats that this package reads. */
export type OwnFormat = 'safetensors' | 'pytorch' | 'npy' | 'npz';

/** A file format, recognised by the first bytes. */
export interface FileFormat {
  /** The format, if this package reads it. */
  readonly own?: OwnFormat;
  /** Description of the file, with an article. */
  readonly what: string;
  /** Instruction if another file was expected. */
  readonly remedy: string;
}

/** First bytes of a file that determine its format. The signature of tar archives ends last. */
export const formatBytes = 512;

const unpack = 'Unpack it first.';
const download = 'Download the file itself, not the page about it.';
const again = 'Download the file again, or pass the right one.';
const original = 'Get the original weights, of PyTorch or safetensors.';
const notWeights = 'Pass the file of weights.';

/** Formats by their signatures: bytes, each as a character, at a position. */
const signatures: readonly (readonly [bytes: string, format: FileFormat, position?: number])[] = [
  ['\x93NUMPY', { own: 'npy', what: 'a NumPy array (.npy)', remedy: 'Give it a name that ends in .npy.' }],
  ['\x80', { own: 'pytorch', what: 'a PyTorch file or another pickle', remedy: 'Pass it as a PyTorch file.' }],
  ['\x1f\x8b', { what: 'a gzip archive', remedy: unpack }],
  ['BZh', { what: 'a bzip2 archive', remedy: unpack }],
  ['\xfd7zXZ', { what: 'an xz archive', remedy: unpack }],
  ['\x28\xb5\x2f\xfd', { what: 'a Zstandard archive', remedy: unpack }],
  ['7z\xbc\xaf', { what: 'a 7z archive', remedy: unpack }],
  ['Rar!', { what: 'a RAR archive', remedy: unpack }],
  ['ustar', { what: 'a tar archive', remedy: unpack }, 257],
  ['GGUF', { what: 'a GGUF file', remedy: original }],
  ['lmgg', { what: 'a GGML file', remedy: original }],
  ['tjgg', { what: 'a GGML file', remedy: original }],
  ['\x89HDF', { what: 'an HDF5 file', remedy: original }],
  ['pytorch', { what: 'an ONNX model', remedy: original }, 4],
  ['onnx', { what: 'an ONNX model', remedy: original }, 4],
  ['TFL3', { what: 'a TensorFlow Lite model', remedy: original }, 4],
  ['\x89PNG', { what: 'an image (PNG)', remedy: notWeights }],
  ['\xff\xd8\xff', { what: 'an image (JPEG)', remedy: notWeights }],
  ['%PDF', { what: 'a PDF document', remedy: notWeights }],
  ['\0'.repeat(64), { what: 'zeros', remedy: 'Download it again: it is incomplete.' }],
];

/** Formats of text, by their beginning. */
const texts: readonly (readonly [start: RegExp, format: (match: RegExpExecArray, text: string) => FileFormat])[] = [
  [
    /^version https:\/\/(git-lfs|hawser)\.github\.com\/spec\/(?:.*\nsize (\d+))?/s,
    ([, , size]) => ({
      what: `a Git LFS pointer${size === undefined ? '' : ` to a file of ${size} bytes`}`,
      remedy: 'Fetch the file itself: git lfs pull.',
    }),
  ],
  [/^\S*annex\/objects\//, () => ({ what: 'a git-annex pointer', remedy: 'Fetch the file itself: git annex get.' })],
  [/^(outs|md5):\s/, () => ({ what: 'a DVC pointer', remedy: 'Fetch the file itself: dvc pull.' })],
  [
    /^(<!doctype html|<html|<head|<body|<!--)/i,
    (_, text) => {
      const [, title] = /<title[^>]*>\s*([^<]{1,60})/i.exec(text) ?? [];
      return { what: `an HTML page${title === undefined ? '' : ` (${title.trim()})`}`, remedy: download };
    },
  ],
  [/^<(\?xml|Error|\w+[\s>])/, (_, text) => ({ what: `an XML document, ${start(text)}`, remedy: again })],
  [/^[{[]/, (_, text) => ({ what: `JSON text, ${start(text)}`, remedy: again })],
  [/^/, (_, text) => ({ what: `text, ${start(text)}`, remedy: again })],
];

function start(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

/**
 * Recognises the format of a file by its first bytes. Undefined for unknown formats.
 *
 * @param bytes At least the first 512 bytes, or all of a shorter file.
 */
export function formatOf(bytes: Uint8Array): FileFormat | undefined {
  checkArguments('formatOf', { bytes }, { bytes: 'Uint8Array' });
  if (bytes.length === 0) return { what: 'an empty file', remedy: 'Write or download it again.' };
  const first = bytes.subarray(0, formatBytes);
  // One character per byte. TextDecoder's latin1 is windows-1252, which changes some bytes.
  const characters = String.fromCharCode(...first);
  if (characters.startsWith('PK\x03\x04')) return zipFormat(characters);
  if (characters.startsWith('\0\0\0{', 5)) {
    return { own: 'safetensors', what: 'a safetensors file', remedy: 'Pass it as a safetensors file.' };
  }
  const known = signatures.find(([signature, , position = 0]) => characters.startsWith(signature, position));
  if (known !== undefined) return known[1];
  const text = textOf(first);
  for (const [pattern, format] of text === undefined ? [] : texts) {
    const match = pattern.exec(text as string);
    if (match !== null) return format(match, text as string);
  }
  return undefined;
}

/** Recognises a zip archive by the name of its first file. */
function zipFormat(characters: string): FileFormat {
  const length = characters.charCodeAt(26) + 256 * characters.charCodeAt(27);
  const name = characters.slice(30, 30 + length);
  if (name.endsWith('.npy')) {
    return { own: 'npz', what: 'a NumPy archive (.npz)', remedy: 'Give it a name that ends in .npz.' };
  }
  if (/^[^/]+\/(data\.pkl|\.format_version|byteorder|version|data\/)|^data\.pkl$/.test(name)) {
    return { own: 'pytorch', what: 'a PyTorch file', remedy: 'Pass it as a PyTorch file.' };
  }
  return { what: `a zip archive of ${JSON.stringify(name.slice(0, 60))}`, remedy: unpack };
}

/** Decodes text: UTF-8 without control characters. Undefined for other bytes. */
function textOf(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('utf-8')
    .decode(bytes)
    .replace(/\ufffd{0,3}$/, '')
    .trim(); // the last character may be truncated
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters mark binary files
  return text === '' || /[\u0000-\u0008\u000e-\u001f\u007f\ufffd]/.test(text) ? undefined : text;
}

/**
 * Refuses a file of another known format. Unknown formats pass, and the reader reports their defects.
 *
 * @param wanted Expected kind of file, for error messages: `a safetensors file`.
 * @param bytes The first {@link formatBytes}, or all of a shorter file.
 * @throws IoError that names the format and a remedy.
 */
export function refuseForeign(caller: string, wanted: string, own: OwnFormat, bytes: Uint8Array): void {
  const format = formatOf(bytes);
  if (format === undefined || format.own === own) return;
  throw new IoError(`${caller}: expected ${wanted}, got ${format.what}. ${format.remedy}`);
}
