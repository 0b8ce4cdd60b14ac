import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';

async function patchify(content: unknown) {
  const folder = await temporaryFolder();
  const [input, output] = [join(folder, 'in.json'), join(folder, 'out.json')];
  await writeFile(input, typeof content === 'string' ? content : JSON.stringify(content));
  const result = await runCli(['patchify', '--input', input, '--output', output]);
  return { ...result, output: result.status === 0 ? JSON.parse(await readFile(output, 'utf8')) : undefined };
}

it('computes all cases of the reference vectors and keeps all else', async () => {
  const reference = JSON.parse(await readFile(fixturePath('patchify.json'), 'utf8'));
  const cases = reference.cases.map(({ patch_lengths: _, ...rest }: { patch_lengths: number[] }) => rest);
  const { output, stdout } = await patchify({ ...reference, cases });
  expect(reference.cases.length).toBeGreaterThan(20);
  expect(output).toEqual(reference);
  expect(stdout).toContain(`${reference.cases.length} cases written`);
  // Lengths that are there already are computed anew.
  const wrong = reference.cases.map((entry: object) => ({ ...entry, patch_lengths: [1] }));
  expect((await patchify({ ...reference, cases: wrong })).output).toEqual(reference);
});

it('knows the modes that need no entropies', async () => {
  const cases = [
    { mode: 'static', max_patch_length: 2, tokens: 5 },
    { mode: 'token', tokens: 3, name: 'kept' },
    { mode: 'static', max_patch_length: 1.5, entropies: [9, 9, 9, 9, 9] },
  ];
  const { output } = await patchify({ cases });
  expect(output.cases[0].patch_lengths).toEqual([2, 2, 1]);
  expect(output.cases[1]).toEqual({ ...cases[1], patch_lengths: [1, 1, 1] });
  expect(output.cases[2].patch_lengths).toEqual([2, 1, 2, 1]);
});

it('refuses what it cannot read, and says which case', async () => {
  const entropies = [1, 2, 3];
  const wrong: [unknown, string][] = [
    ['{', 'expected JSON in'],
    ['[]', 'expected a JSON object in'],
    [{}, "expected a list 'cases'"],
    [{ cases: [{ entropies }, 3] }, 'case 1 of'],
    [{ cases: [{ entropies, tokens: 3 }] }, "expected 'tokens' to be one more than the 3 entropies, got 3"],
    [{ cases: [{ entropies: ['x'] }] }, "expected a list of numbers for 'entropies'"],
    [{ cases: [{ entropies, threshold: '1' }] }, 'expected a number or null for \'threshold\', got "1"'],
    [{ cases: [{ entropies, mode: 'other' }] }, 'other'],
    [{ cases: [{ entropies, treshold: 1 }] }, "got an unknown key 'treshold'. Did you mean 'threshold'?"],
    [{ cases: [{ entropies, maxPatchLength: 4 }] }, "Did you mean 'max_patch_length'?"],
    [{ cases: [], threshold: 1 }, "in.json': expected keys among cases, got an unknown key 'threshold'. Leave it out."],
    [{ cases: [{ mode: 'token' }] }, "expected a number for 'tokens'"],
  ];
  for (const [content, message] of wrong) {
    const { status, stderr } = await patchify(content);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
  }
  const { stderr } = await runCli(['patchify', '--input', '/no/such.json', '--output', 'never.json']);
  expect(stderr).toBe("dpar patchify: expected a file or folder at '/no/such.json', got none. Check the path.\n");
  const folder = await temporaryFolder();
  const read = await runCli(['patchify', '--input', folder, '--output', 'never.json']);
  expect(read.stderr).toBe(`dpar patchify: expected a file at '${folder}', got a folder. Check the path.\n`);
  const written = await runCli(['patchify', '--input', fixturePath('patchify.json'), '--output', folder]);
  expect(written.stderr).toBe(
    `dpar patchify: --output: expected a file or nothing at '${folder}', got a folder. Choose another path.\n`,
  );
});
