import { checkArguments } from './check-arguments.js';

/** Files and folders that systems and programs leave among a user's own, in lower case; those with a leading dot are not named. */
const systemEntries: ReadonlySet<string> = new Set([
  // Windows
  ...['thumbs.db', 'ehthumbs.db', 'ehthumbs_vista.db', 'desktop.ini', '$recycle.bin', 'recycler', 'recycled'],
  'system volume information',
  // macOS, and what its archives hold
  ...['__macosx', 'icon\r', 'network trash folder', 'temporary items', 'thevolumesettingsfolder'],
  // Linux file systems
  ...['lost+found', 'aquota.user', 'aquota.group', 'quota.user', 'quota.group'],
  // Network storage: Synology and QNAP
  ...['@eadir', '@tmp', '@synoresource', '@synoeastream', '#recycle', '#snapshot'],
  ...['@recycle', '@recently-snapshot', '@recently snapshot'],
  // Python
  '__pycache__',
]);

/**
 * Whether an entry of a folder is one that a system or program made for itself, and nothing of the user's: hidden entries such
 * as `.git`, `.DS_Store` and `._x.png`, and `Thumbs.db`, `@eaDir`, `__MACOSX`, `lost+found` and the like, in any case.
 * @param name Of the entry, without its folder.
 */
export function isSystemEntry(name: string): boolean {
  checkArguments('isSystemEntry', { name }, { name: 'string' });
  return name.startsWith('.') || systemEntries.has(name.toLowerCase());
}
