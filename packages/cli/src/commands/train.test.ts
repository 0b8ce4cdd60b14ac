import { existsSync, statSync } from 'node:fs';
import { copyFile, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { writeSafetensors } from '@dpar/io/node';
import { type HostTensor, int32 } from '@dpar/tensor';
import { expect, it } from 'vitest';
import { readTensors } from '../input-files.js';
import { runCli } from '../testing/run-cli.js';
import { tinyDpar } from '../testing/tiny-dpar.js';

const tokens = fixturePath('dpar-dynamic4d/io.safetensors');

const config = {
  model: tinyDpar,
  data: { tokens },
  optimizer: { learning_rate: 0.003 },
  steps: 6,
  batch_size: 3,
};

const fixedPatches = { mode: 'static', max_patch_length: 2 };

async function configFile(content: object = config): Promise<{ path: string; output: string }> {
  const folder = await temporaryFolder();
  const path = join(folder, 'train.json');
  await writeFile(path, JSON.stringify(content));
  return { path, output: join(folder, 'run') };
}

it('trains a model that other commands read', async () => {
  const { path, output } = await configFile();
  const argv = ['train', '--config', path, '--output', output, '--set', 'seed=3', 'steps=8', '--set', 'batch_size=2'];
  const { status, stdout, stderr } = await runCli([...argv, '--json', '--threads', '1']);
  expect(stderr).toMatch(/train: 8\/8 steps, .* steps\/s, loss \d/);
  expect(status).toBe(0);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ steps: 8, output, checkpoint: join(output, 'last'), validation_loss: null });
  const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(result.loss).toBe(lines.at(-1).loss);
  expect(lines.at(-1).loss).toBeLessThan(lines[0].loss);

  const forward = join(output, 'forward.safetensors');
  const pass = await runCli(['forward', '--checkpoint', result.checkpoint, '--input', tokens, '--output', forward]);
  expect(pass.status).toBe(0);
  expect((await readTensors(forward)).loss?.data[0]).toBeLessThan(lines[0].loss);
});

it('ends after a whole step when it is interrupted', async () => {
  const { path, output } = await configFile({ ...config, steps: 100_000 });
  const interruption = new AbortController();
  // A line of metrics: a step is done.
  const metrics = join(output, 'metrics.jsonl');
  const watch = setInterval(() => existsSync(metrics) && statSync(metrics).size > 0 && interruption.abort(), 10);
  const { status, stderr } = await runCli(['train', '--config', path, '--output', output], interruption.signal);
  clearInterval(watch);
  expect(status).toBe(130);
  const [, step] =
    /interrupted\. Step (\d+) of 100000 is in '.*step-\d+'\. Run the same command with --resume/.exec(stderr) ?? [];
  expect(Number(step)).toBeGreaterThan(0);
  expect(JSON.parse(await readFile(join(output, 'last', 'trainer.json'), 'utf8')).step).toBe(Number(step));
});

it('resumes where a run ended, and overwrites none', async () => {
  const { path, output } = await configFile();
  const argv = ['train', '--config', path, '--output', output, '--json', '--threads', '1'];
  const begun = await runCli([...argv, '--resume']);
  expect(begun.stderr).toContain(`train: nothing to resume in '${output}': starts from the beginning`);
  expect(JSON.parse(begun.stdout)).toMatchObject({ steps: 6, resumed_from: 0 });
  expect(JSON.parse(begun.stdout).checkpoint_seconds).toBeGreaterThan(0);
  const again = await runCli(argv);
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toMatch(/got train.json, .* in '.*run'\. Pass --resume to resume that run/);
  const done = await runCli([...argv, '--resume']);
  expect(JSON.parse(done.stdout)).toMatchObject({ steps: 6, resumed_from: 6, loss: null, checkpoint_seconds: 0 });
  const more = await runCli([...argv, '--resume', '--set', 'steps=8']);
  expect(more.stderr).toContain(`train: resumes from step 6 in '${join(output, 'checkpoints', 'step-000006')}'`);
  expect(JSON.parse(more.stdout)).toMatchObject({ steps: 8, resumed_from: 6 });
  const other = await runCli([...argv, '--resume', '--set', 'seed=5', 'steps=8']);
  expect(other).toMatchObject({ status: 1 });
  expect(other.stderr).toContain("got 'seed' 5 in place of 0.");
});

it('says where the last checkpoint is when a step fails', async () => {
  const changes = { steps: 9, checkpoints: { every: 1 }, optimizer: { learning_rate: 1e20, weight_decay: 0 } };
  const { path, output } = await configFile({ ...config, ...changes });
  const { status, stderr } = await runCli(['train', '--config', path, '--output', output, '--threads', '1']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/train: Step \d of 9 is in '.*step-00000\d'\. Run with --resume to continue from there/);
  expect(stderr).toMatch(/expected a finite loss and gradient norm, got .* at step \d, with the batch of images/);
});

it("keeps a moving average that 'sample' takes", async () => {
  const { path, output } = await configFile({ ...config, optimizer: { learning_rate: 0.01, average_decay: 0.9 } });
  await runCli(['train', '--config', path, '--output', output, '--threads', '1']);
  const checkpoint = join(output, 'last');
  const models = ['--checkpoint', checkpoint, '--entropy-checkpoint', fixturePath('entropy-model')];
  const sampled = async (name: string, ...more: string[]) => {
    const file = join(output, name);
    const argv = ['sample', ...models, '--classes', '0-4', '--output', file, '--threads', '1', ...more];
    expect(await runCli(argv)).toMatchObject({ status: 0 });
    return (await readTensors(file)).tokens?.data;
  };
  const averaged = await sampled('average.safetensors', '--average');
  expect(averaged).not.toEqual(await sampled('newest.safetensors'));
  await copyFile(join(checkpoint, 'average.safetensors'), join(output, 'copy'));
  await rename(join(output, 'copy'), join(checkpoint, 'model.safetensors'));
  expect(averaged).toEqual(await sampled('as-model.safetensors'));
  const none = [
    '--checkpoint',
    fixturePath('llamagen'),
    '--average',
    '--classes',
    '0',
    '--output',
    join(output, 'x.npz'),
  ];
  const { stderr } = await runCli(['sample', ...none, '--tokenizer', 'none']);
  expect(stderr).toContain('got none named average.safetensors');
});

it('says what is wrong with a configuration', async () => {
  const wrong: [object, string[], string][] = [
    [{ ...config, stepps: 3 }, [], "Did you mean 'steps'?"],
    [{ ...config, model: { kind: 'gpt' } }, [], "expected 'model.kind' to be"],
    [config, ['--set', 'optimizer.learning_rat=1'], "Did you mean 'optimizer.learning_rate'?"],
    [config, ['--set', 'data.tokens=/no/such.safetensors'], 'got none. Check the path.'],
  ];
  for (const [content, more, message] of wrong) {
    const { path, output } = await configFile(content);
    const { status, stderr } = await runCli(['train', '--config', path, '--output', output, ...more]);
    expect(stderr).toContain(message);
    expect(stderr.includes(`in '${path}'`)).toBe(!message.includes('path'));
    expect(status).toBe(1);
  }
  expect(await runCli(['train', '--config', 'x', '--set', 'steps'])).toMatchObject({ status: 2 });
});

it('leaves the output folder free when it fails before its first step', async () => {
  const { path, output } = await configFile();
  const argv = ['train', '--config', path, '--output', output, '--threads', '1'];
  for (const [setting, message] of [
    ['model.vocab_size=40', /expected tokens of training data from 0 to 39, got 4\d/],
    ['model.num_classes=4', /got 4, the null class of images without a class,.* counted from 1/],
    ['model.block_size=16', /expected images of 16 tokens/],
    ['data.tokens=/nowhere.safetensors', /nowhere/],
  ] as const) {
    const { status, stderr } = await runCli([...argv, '--set', setting]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(output) ? await readdir(output) : []).toEqual([]);
  }
  expect((await runCli(argv)).status).toBe(0);
});

it('checks the labels of folders of tokens before the first step', async () => {
  const { tokens: images } = await readTensors(tokens);
  const folder = await temporaryFolder();
  await writeSafetensors(join(folder, '000000-000002.safetensors'), {
    tokens: images as HostTensor,
    labels: int32([3], [1, 2, 3]),
  });
  const { path, output } = await configFile({
    ...config,
    model: { ...config.model, num_classes: 3, patching: fixedPatches },
  });
  const { status, stderr } = await runCli([
    'train',
    '--config',
    path,
    '--output',
    output,
    '--set',
    `data.tokens=${folder}`,
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain('expected labels of training data from 0 to 2, got 3, the null class');
  expect(stderr).toContain('from 1 to 3 as if classes were counted from 1: subtract 1 from each label.');
});
