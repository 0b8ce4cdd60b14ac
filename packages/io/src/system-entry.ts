import { checkArguments } from './check-arguments.js';

/** Files and folders that systems and programs leave among a user's own, in lower case; those with a leading dot are not named. */
const systemEntries: ReadonlySet<string> = new Set([
  // Windows
  ...['thumbs.db', 'ehthumbs.db', 'ehthumbs_vista.db', 'desktop.ini', '$recycle.bin'],
  'system volume information',
  // macOS, and what its archives hold
  ...['__macosx', 'icon\r', 'network trash folder', 'temporary items', 'thevolumesettingsfolder'],
  // Linux file systems
  ...['lost+found', 'aquota.user', 'aquota.group', 'quota.user', 'quota.group'],
  // Network storage: Synology, QNAP and NetApp
  ...['@eadir', '@tmp', '@synoresource', '@synoeastream', '@synologydrive', '@synodrive', '@sharebin', '@sharesnap'],
  ...['#recycle', '#snapshot', '~snapshot'],
  ...['@recycle', '@recently-snapshot', '@recently snapshot'],
  // Python
  '__pycache__',
]);

/** Such entries by their exact names: old Windows' bins, whose names are words, and what its disk check finds. */
const exactEntries = /^(RECYCLER|RECYCLED|FOUND\.\d{3})$/;

/**
 * Whether an entry of a folder is one that a system or program made for itself, and nothing of the user's: hidden entries such
 * as `.git`, `.DS_Store` and `._x.png`, and `Thumbs.db`, `@eaDir`, `__MACOSX`, `lost+found` and the like.
 * @param name Of the entry, without its folder.
 */
export function isSystemEntry(name: string): boolean {
  checkArguments('isSystemEntry', { name }, { name: 'string' });
  return name.startsWith('.') || systemEntries.has(name.toLowerCase()) || exactEntries.test(name);
}
