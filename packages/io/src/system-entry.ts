import { checkArguments } from './check-arguments.js';

/** Patterns of names, in any case, of files and folders that systems and programs make among a user's own. */
const systemEntries: readonly RegExp[] = [
  /^\./, // hidden
  /^(thumbs\.db|ehthumbs(_vista)?\.db|desktop\.ini|\$recycle\.bin|system volume information)$/i, // Windows
  /^(__macosx|icon\r|network trash folder|temporary items|thevolumesettingsfolder)$/i, // macOS and its archives
  /^(lost\+found|a?quota\.(user|group))$/i, // Linux file systems
  /^(@eadir|@tmp|@syno(resource|eastream|logydrive|drive)|@share(bin|snap)|#recycle|#snapshot|~snapshot)$/i, // Synology, NetApp
  /^(@recycle|@recently[- ]snapshot)$/i, // QNAP
  /^__pycache__$/i, // Python
  /^(RECYCLER|RECYCLED|FOUND\.\d{3})$/, // old versions of Windows; in lower case these are ordinary words
];

/**
 * Checks that an entry of a folder was made by a system or program. Examples are hidden entries such as `.git`, `.DS_Store` and
 * `._x.png`, and `Thumbs.db`, `@eaDir`, `__MACOSX` and `lost+found`.
 * @param name Name of the entry, without its folder.
 */
export function isSystemEntry(name: string): boolean {
  checkArguments('isSystemEntry', { name }, { name: 'string' });
  return systemEntries.some((pattern) => pattern.test(name));
}
