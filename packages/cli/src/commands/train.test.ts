import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { readTensors } from '../tokens.js';

const tokens = fixturePath('dpar-dynamic4d/io.safetensors');

const config = {
  model: {
    kind: 'dpar',
    dim: 32,
    n_head: 2,
    n_layer: 1,
    n_local_encoder_layers: 1,
    n_local_decoder_layers: 1,
    multiple_of: 16,
    vocab_size: 48,
    block_size: 64,
    num_classes: 5,
    embedding_type: 'dynamic_4d',
    patching: { threshold: 1, max_patch_length: 4 },
  },
  data: { tokens },
  optimizer: { learning_rate: 0.003 },
  steps: 6,
  batch_size: 3,
};

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
  const watch = setInterval(() => existsSync(join(output, 'metrics.jsonl')) && interruption.abort(), 10);
  const { status, stderr } = await runCli(['train', '--config', path, '--output', output], interruption.signal);
  clearInterval(watch);
  expect(status).toBe(130);
  expect(stderr).toMatch(/train: step \d+ is in .*last/);
  expect(JSON.parse(await readFile(join(output, 'last', 'trainer.json'), 'utf8')).step).toBeGreaterThan(0);
});

it('says what is wrong with a configuration', async () => {
  const wrong: [object, string[], string][] = [
    [{ ...config, stepps: 3 }, [], "Did you mean 'steps'?"],
    [{ ...config, model: { kind: 'gpt' } }, [], "expected 'model.kind' to be one of"],
    [config, ['--set', 'optimizer.learning_rat=1'], "Did you mean 'optimizer.learning_rate'?"],
    [config, ['--set', 'data.tokens=/no/such.safetensors'], 'got none. Check the path.'],
  ];
  for (const [content, more, message] of wrong) {
    const { path, output } = await configFile(content);
    const { status, stderr } = await runCli(['train', '--config', path, '--output', output, ...more]);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
  }
  expect(await runCli(['train', '--config', 'x', '--set', 'steps'])).toMatchObject({ status: 2 });
});
