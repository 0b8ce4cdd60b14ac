import { expect, it } from 'vitest';
import { isSystemEntry } from './system-entry.js';

it.each([
  ...[
    '.git',
    '.DS_Store',
    '._x.png',
    '.hidden.png',
    '.ipynb_checkpoints',
    '.thumbnails',
    '.Trash-1000',
    '.AppleDouble',
  ],
  ...[
    '@eaDir',
    '__MACOSX',
    '__macosx',
    'lost+found',
    '#recycle',
    'Thumbs.db',
    'thumbs.db',
    'desktop.ini',
    'Desktop.ini',
  ],
  ...['$RECYCLE.BIN', 'System Volume Information', '@Recycle', 'Icon\r', '__pycache__'],
  ...['FOUND.000', 'RECYCLER', '~snapshot', '@sharebin', '@SynologyDrive'],
])('%j is of the system', (name) => {
  expect(isSystemEntry(name)).toBe(true);
});

it.each([
  'cat',
  'lost',
  'found',
  '@home',
  '#1',
  '__init__',
  'recycle',
  'recycled',
  'found.object',
  'FOUND.0',
  'Icon',
  'x.git',
  'Thumbs',
  '$',
  '_',
])("%j may be a user's", (name) => {
  expect(isSystemEntry(name)).toBe(false);
});
