import { chmod, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { describe, expect, it } from 'vitest';
import { commands } from '../commands/index.js';
import { runCli } from '../testing/run-cli.js';
import { checkOutput } from './output-place.js';
import { longName } from './program.js';

/** Texts that options take which must be given, where a path is not one of them. */
const texts: Readonly<Record<string, string>> = { classes: '0', format: 'onnx', targetMeanPatchLength: '1.5' };

/** Every option of every command that says where something is written. */
const outputs = commands.flatMap((command) =>
  Object.keys(command.options)
    .filter((name) => ['output', 'check', 'png', 'cacheFolder'].includes(name))
    .map((option) => ({ command, option })),
);

describe.each(outputs)('$command.name: $option', ({ command, option }) => {
  it('is checked before anything is read', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const given = Object.entries(command.options).filter(([name, { required }]) => required && name !== option);
    // An output of the command beside the one that is checked may be anywhere.
    const argv = given.flatMap(([name, { positional }]) => {
      const value = texts[name] ?? join(folder, `no-${name}`);
      return positional ? [value] : [longName(name), value];
    });
    const path = join(folder, 'file', 'place');
    const { status, stdout, stderr } = await runCli([command.name, ...argv, longName(option), path]);
    expect(stderr).toBe(
      `dpar ${command.name}: ${longName(option)}: expected only folders on the path to '${path}', got a file. Check the path.\n`,
    );
    expect([status, stdout]).toEqual([1, '']);
    expect(await readdir(folder)).toEqual(['file']);
  });
});

it('removes what a killed command left of its file', async () => {
  const folder = await temporaryFolder();
  for (const name of ['a.npz', 'b.npz']) {
    const path = join(folder, `.${name}.partial-0123456789abcdef`);
    await writeFile(path, 'half');
    await utimes(path, 0, 0);
  }
  await runCli(['merge', '--input', join(folder, 'none'), '--output', join(folder, 'a.npz')]);
  expect(await readdir(folder)).toEqual(['.b.npz.partial-0123456789abcdef']);
});

it('finds every command that writes', () => {
  const names = new Set(outputs.map(({ command }) => command.name));
  expect([...names]).toEqual(
    expect.arrayContaining(['sample', 'train', 'tokenize', 'detokenize', 'entropy', 'forward', 'export', 'import']),
  );
});

describe('a place', () => {
  it.each([
    ['file', 'folder', 'expected a file or nothing at '],
    ['folder', 'file', 'expected a folder or nothing at '],
    ['file', `${'n'.repeat(240)}.png`, 'got a name that is too long'],
  ] as const)('of a %s is refused: %s', async (kind, name, message) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'folder'));
    await writeFile(join(folder, 'file'), '');
    await expect(checkOutput('--output', join(folder, name), kind)).rejects.toThrow(message);
  });

  it('is no device or pipe, which an output would replace', async () => {
    for (const kind of ['file', 'folder', 'any'] as const) {
      await expect(checkOutput('--output', '/dev/null', kind)).rejects.toThrow(
        "--output: expected a file, a folder or nothing at '/dev/null', got a device or a pipe. Choose another path.",
      );
    }
  });

  it('is taken where it is free, or holds an older output', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await checkOutput('--output', join(folder, 'file'), 'file');
    await checkOutput('--output', folder, 'folder');
    await checkOutput('--output', folder, 'any');
    await checkOutput('--output', join(folder, 'a', 'b', 'c.png'), 'file');
    expect(await readdir(folder)).toEqual(['file']);
  });

  // Root may write everywhere.
  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'names the folder without permission',
    async () => {
      const folder = await temporaryFolder();
      await mkdir(join(folder, 'closed'));
      await chmod(join(folder, 'closed'), 0o555);
      for (const name of ['x.png', 'a/b']) {
        await expect(checkOutput('--output', join(folder, 'closed', name), 'any')).rejects.toThrow(
          `permission denied in '${join(folder, 'closed')}'`,
        );
      }
    },
  );
});
