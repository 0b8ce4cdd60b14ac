import type { ByteSource } from './byte-stream.js';
import { IoError } from './error.js';

/** A file in an archive. */
export interface ZipMember {
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Length in the archive, in bytes. */
  readonly storedSize: number;
  /** True if it is compressed with deflate. */
  readonly deflated: boolean;
  /** CRC-32 of its bytes. */
  readonly crc: number;
  /** Position of its local header. */
  readonly header: number;
  /** Reason why its data cannot be read. Undefined if they can. */
  readonly refused: string | undefined;
}

/** Error for a file of an archive that is encrypted, or compressed with an unsupported method. */
export class UnreadMemberError extends IoError {}

/** Files of an archive by name, in the order of the archive, and the position after the last. */
export interface ZipDirectory {
  readonly members: ReadonlyMap<string, ZipMember>;
  readonly end: number;
}

/** Largest compression ratio of deflate. A file that declares a larger one is damaged. */
export const largestDeflateRatio = 1032;

/** Longest directory in bytes, for about 500,000 files. */
const maximumDirectoryBytes = 1 << 26;

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
};

/** Lengths of records without their text, in bytes. */
const lengths = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 };

/** Values of 32-bit and 16-bit fields that refer to a 64-bit field. */
const in64Bits = { long: 0xffffffff, short: 0xffff };

/** Checks that bytes are the start of a zip archive. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === signatures.local;
}

/**
 * Reads the directory of an archive, in 32-bit or 64-bit format.
 *
 * @param acceptsDeflated Accepts deflated files too.
 * @throws IoError if it is invalid.
 */
export async function readZipDirectory(
  caller: string,
  source: ByteSource,
  acceptsDeflated = false,
): Promise<ZipDirectory> {
  const { start, length, files } = await findDirectory(caller, source);
  if (length > maximumDirectoryBytes || start + length > source.size) {
    throw damaged(
      caller,
      `a directory of at most ${maximumDirectoryBytes} bytes within the file`,
      `${length} at ${start}`,
    );
  }
  const bytes = await source.read(start, length);
  const members = new Map<string, ZipMember>();
  let position = 0;
  while (position < length) {
    const { member, bytes: taken } = parseEntry(caller, bytes.subarray(position), acceptsDeflated);
    if (members.has(member.name)) throw damaged(caller, 'each file once', `'${member.name}' twice`);
    if (member.header + lengths.local + member.storedSize > start) {
      throw damaged(caller, `'${member.name}' before the directory at ${start}`, `${member.storedSize} bytes`);
    }
    members.set(member.name, member);
    position += taken;
  }
  if (members.size !== files) throw damaged(caller, `${files} files`, `${members.size}`);
  return { members, end: start };
}

/**
 * Position of a file's data in the archive.
 *
 * @throws IoError if its header is damaged or its data do not end before the directory; {@link UnreadMemberError} if it is
 * encrypted, or compressed with an unsupported method.
 */
export async function findZipData(
  caller: string,
  source: ByteSource,
  { end }: ZipDirectory,
  { name, storedSize: size, header, refused }: ZipMember,
): Promise<number> {
  if (refused !== undefined) throw new UnreadMemberError(`${caller}: ${refused}`);
  const view = viewOf(await source.read(header, lengths.local));
  const start = header + lengths.local + view.getUint16(26, true) + view.getUint16(28, true);
  if (view.getUint32(0, true) !== signatures.local || start + size > end) {
    throw damaged(caller, `a header and ${size} bytes of '${name}' at ${header}`, 'an invalid header');
  }
  return start;
}

/** Finds the directory by the records that end an archive. */
async function findDirectory(caller: string, source: ByteSource) {
  const tailLength = Math.min(source.size, lengths.end + in64Bits.short);
  const tail = await source.read(source.size - tailLength, tailLength);
  const view = viewOf(tail);
  let at = tailLength - lengths.end;
  const isEnd = (): boolean =>
    view.getUint32(at, true) === signatures.end && at + lengths.end + view.getUint16(at + 20, true) === tailLength;
  while (at >= 0 && !isEnd()) at--;
  if (at < 0) {
    throw new IoError(
      `${caller}: expected the records that end a zip archive, got none. The file is truncated: write or download it again.`,
    );
  }
  const [files, length, start] = [
    view.getUint16(at + 10, true),
    view.getUint32(at + 12, true),
    view.getUint32(at + 16, true),
  ];
  if (files !== in64Bits.short && length !== in64Bits.long && start !== in64Bits.long) return { files, length, start };

  const locator = source.size - tailLength + at - lengths.locator64;
  const end64 = locator < 0 ? -1 : positionOf(await source.read(locator, lengths.locator64));
  if (!(end64 >= 0 && end64 + lengths.end64 <= source.size)) {
    throw damaged(caller, 'the 64-bit record that ends a zip archive', 'none');
  }
  const view64 = viewOf(await source.read(end64, lengths.end64));
  if (view64.getUint32(0, true) !== signatures.end64) {
    throw damaged(caller, 'the 64-bit record that ends a zip archive', 'an invalid one');
  }
  const wide = (offset: number): number => Number(view64.getBigUint64(offset, true));
  return { files: wide(32), length: wide(40), start: wide(48) };
}

/** Position of the 64-bit record that a locator names, or -1 for an invalid locator. */
function positionOf(locator: Uint8Array): number {
  const view = viewOf(locator);
  return view.getUint32(0, true) === signatures.locator64 ? Number(view.getBigUint64(8, true)) : -1;
}

/** Parses the first entry of a directory. @returns The file, and the length of the entry. */
function parseEntry(caller: string, bytes: Uint8Array, acceptsDeflated: boolean): { member: ZipMember; bytes: number } {
  const view = viewOf(bytes);
  if (bytes.length < lengths.central || view.getUint32(0, true) !== signatures.central) {
    throw damaged(caller, 'entries in the directory', 'an invalid one');
  }
  const nameEnd = lengths.central + view.getUint16(28, true);
  const extraEnd = nameEnd + view.getUint16(30, true);
  const end = extraEnd + view.getUint16(32, true);
  if (end > bytes.length) throw damaged(caller, 'whole entries in the directory', 'a truncated one');
  const name = new TextDecoder().decode(bytes.subarray(lengths.central, nameEnd));
  const [flags, method] = [view.getUint16(8, true), view.getUint16(10, true)];
  const deflated = acceptsDeflated && method === 8;
  const isRead = (method === 0 || deflated) && !(flags & 1);
  const refused = isRead
    ? undefined
    : `expected ${acceptsDeflated ? 'stored or deflated' : 'uncompressed'} files in the archive, ` +
      `got '${name}' ${flags & 1 ? 'encrypted' : 'compressed'}. ` +
      `Save the file again with ${acceptsDeflated ? 'numpy.savez' : 'torch.save'}.`;
  const wide = wideFields(bytes.subarray(nameEnd, extraEnd));
  const field = (offset: number): number => {
    const value = view.getUint32(offset, true);
    return value === in64Bits.long ? (wide.shift() ?? value) : value;
  };
  const [size, storedSize, header] = [field(24), field(20), field(42)]; // in the order of the 64-bit fields
  if (isRead && (deflated ? size > largestDeflateRatio * storedSize : size !== storedSize)) {
    throw damaged(
      caller,
      `${size} bytes of '${name}'`,
      `${storedSize}${deflated ? ', which deflate cannot expand so far' : ''}`,
    );
  }
  const crc = view.getUint32(16, true);
  return { member: { name, size, storedSize, deflated, crc, header, refused }, bytes: end };
}

/** 64-bit fields of an entry. An entry has only those that it needs. */
function wideFields(extra: Uint8Array): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    at += 4;
    if (id === 1 && at + length <= extra.length) {
      return Array.from({ length: Math.floor(length / 8) }, (_, i) => Number(view.getBigUint64(at + 8 * i, true)));
    }
    at += length;
  }
  return [];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function damaged(caller: string, expected: string, got: string): IoError {
  return new IoError(`${caller}: expected ${expected}, got ${got}. The file is damaged.`);
}
