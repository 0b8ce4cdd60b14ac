import { appendFile, copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { fixturePath } from '@dpar/fixtures';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.js';
import { tokenizerFolder } from '../testing/sampling.js';

const tiny = { dim: 32, n_head: 2, n_layer: 1, multiple_of: 16, vocab_size: 48, block_size: 64, num_classes: 5 };

const models = {
  llamagen: { kind: 'llamagen', ...tiny },
  dpar: {
    kind: 'dpar',
    ...tiny,
    n_local_encoder_layers: 1,
    n_local_decoder_layers: 1,
    embedding_type: 'dynamic_4d',
    patching: { threshold: 1, max_patch_length: 4 },
  },
  entropy: { kind: 'entropy', ...tiny },
} as const;

const tokens = fixturePath('dpar-dynamic4d/io.safetensors');

const shared = { data: { tokens, validation: tokens }, optimizer: { learning_rate: 0.01 }, steps: 5, batch_size: 2 };

/** Runs `dpar train` with a configuration. */
async function train(kind: keyof typeof models, changes: object = {}, ...more: string[]) {
  const folder = await temporaryFolder();
  const [path, output] = [join(folder, 'train.json'), join(folder, 'run')];
  await writeFile(path, JSON.stringify({ model: models[kind], ...shared, output, ...changes }));
  return { output, ...(await runCli(['train', '--config', path, '--threads', '1', '--json', ...more])) };
}

const weightsOf = (output: string) => readFile(join(output, 'last', 'model.safetensors'));

describe('samples of a run', () => {
  it.each(['llamagen', 'dpar'] as const)('are drawn with its weights and do not change them: %s', async (kind) => {
    const entropy = kind === 'dpar' ? { entropy_checkpoint: fixturePath('entropy-model') } : {};
    const samples = { every: 2, count: 6, classes: [0, 4], tokenizer: await tokenizerFolder(), ...entropy };
    const [watched, plain] = [await train(kind, { samples }), await train(kind)];
    expect([watched.status, plain.status]).toEqual([0, 0]);
    expect(await weightsOf(watched.output)).toEqual(await weightsOf(plain.output));
    const names = await readdir(join(watched.output, 'samples'));
    expect(names).toEqual(['step-000002.png', 'step-000004.png', 'step-000005.png']);
    expect(await readdir(plain.output)).not.toContain('samples');
    const grids = await Promise.all(names.map((name) => readFile(join(watched.output, 'samples', name))));
    // Two classes side by side, three images of each: 16 pixels and a gap of 2.
    for (const grid of grids) expect(decode(grid)).toMatchObject({ width: 38, height: 56 });
    expect(grids[0]).not.toEqual(grids[2]);

    // The last grid is what `dpar sample` makes of the last checkpoint.
    const path = join(watched.output, 'again.png');
    const argv = ['--tokenizer', samples.tokenizer, '--classes', '0,4', '--count', '6', '--output', path];
    const more = kind === 'dpar' ? ['--entropy-checkpoint', fixturePath('entropy-model')] : [];
    const again = await runCli(['sample', '--checkpoint', join(watched.output, 'last'), ...argv, ...more]);
    expect(again.status).toBe(0);
    expect(await readFile(path)).toEqual(grids[2]);

    // A run that was killed before it drew them draws them when it is started again.
    const last = join(watched.output, 'samples', 'step-000005.png');
    await rm(last);
    const config = join(dirname(watched.output), 'train.json');
    expect((await runCli(['train', '--config', config, '--threads', '1', '--resume'])).status).toBe(0);
    expect(await readFile(last)).toEqual(grids[2]);
  });

  it('are drawn with the moving average if one is kept', async () => {
    const samples = { every: 100, count: 1, tokenizer: await tokenizerFolder() };
    const optimizer = { ...shared.optimizer, average_decay: 1 };
    const averaged = await train('llamagen', { samples, optimizer });
    // A decay of 1 keeps the initial weights, which a learning rate of almost nothing keeps too.
    const still = await train('llamagen', { samples, optimizer: { learning_rate: 1e-30, weight_decay: 0 } });
    const gridOf = (output: string) => readFile(join(output, 'samples', 'step-000005.png'));
    expect(await gridOf(averaged.output)).toEqual(await gridOf(still.output));
  });

  it('are of classes by the names that the data have', async () => {
    const data = await temporaryFolder();
    await copyFile(tokens, join(data, 'tokens.safetensors'));
    await writeFile(join(data, 'classes.json'), '["a", "b", "c", "d", "e"]');
    const samples = { every: 5, count: 2, tokenizer: await tokenizerFolder() };
    const more = { data: { tokens: data }, steps: 1 };
    const named = await train('llamagen', { samples: { ...samples, classes: ['e', 1] }, ...more });
    const numbered = await train('llamagen', { samples: { ...samples, classes: [4, 1] }, ...more });
    expect([named.status, numbered.status]).toEqual([0, 0]);
    const gridOf = (output: string) => readFile(join(output, 'samples', 'step-000001.png'));
    expect(await gridOf(named.output)).toEqual(await gridOf(numbered.output));
    // The names are over the columns, unless they are not wanted.
    const plain = await train('llamagen', { samples: { ...samples, classes: [4, 1], labels: false }, ...more });
    const [grid, without] = [decode(await gridOf(named.output)), decode(await gridOf(plain.output))];
    expect(without).toMatchObject({ width: 38, height: 20 });
    expect([grid.width, grid.height > 30]).toEqual([38, true]);
    expect(grid.data.subarray(-without.data.length)).toEqual(without.data);
    const page = await readFile(join(named.output, 'report.html'), 'utf8');
    expect(page).toContain('<dt>Classes</dt><dd>5: a, b, c, d, e</dd>');
    const { status, stderr } = await train('llamagen', { samples: { ...samples, classes: ['f'] }, ...more });
    expect([status, stderr]).toEqual([1, expect.stringContaining('samples.classes: expected numbers or names of')]);
  });

  it('are refused before anything is trained if they could not be drawn', async () => {
    const tokenizer = await tokenizerFolder();
    const wrong: [keyof typeof models, object, string][] = [
      ['llamagen', { every: 2 }, 'samples.tokenizer'],
      ['llamagen', { every: 2, tokenizer: '/no/such' }, "'/no/such'"],
      ['llamagen', { every: 2, tokenizer: fixturePath('llamagen') }, 'expected a model of kind "vq" or "patch-vq"'],
      ['llamagen', { every: 2, tokenizer, classes: [6] }, 'samples.classes: expected classes from 0 to 4'],
      [
        'llamagen',
        { every: 2, tokenizer, classes: [null] },
        "expected 'samples.classes.0' to be a class number from 0 or a class name, got null",
      ],
      [
        'llamagen',
        { every: 2, tokenizer, classes: ['Flags'] },
        'samples.classes: expected whole numbers such as 0,3,4 or',
      ],
      ['llamagen', { every: 2, tokenizer, top_p: 0 }, 'samples.top_p'],
      ['llamagen', { every: 2, tokenizer, temprature: 1 }, "Did you mean 'samples.temperature'?"],
      ['dpar', { every: 2, tokenizer }, 'samples: expected entropy_checkpoint'],
      [
        'dpar',
        { every: 2, tokenizer, entropy_checkpoint: fixturePath('llamagen') },
        'expected a model of kind "entropy"',
      ],
      ['entropy', { every: 2, tokenizer }, 'samples: expected a model with classes (dpar or llamagen), got "entropy"'],
    ];
    for (const [kind, samples, message] of wrong) {
      const { status, stderr, output } = await train(kind, { samples });
      expect(stderr).toContain(message);
      expect(status).toBe(1);
      await expect(readdir(output)).rejects.toThrow('ENOENT');
    }
  });
});

describe('the report of a run', () => {
  it('is there when it ends, and is renewed on request while metrics are being written', async () => {
    const samples = { every: 5, count: 2, tokenizer: await tokenizerFolder() };
    const { output } = await train('llamagen', { samples, steps: 5 });
    const page = await readFile(join(output, 'report.html'), 'utf8');
    expect(page).toContain('<b>5 / 5</b><span>steps, done</span>');
    expect(page).toContain('Images drawn at step 5');
    expect(page).toContain('onnxruntime-node');
    const record = JSON.parse(await readFile(join(output, 'run.json'), 'utf8'));
    expect(record).toMatchObject({ state: 'done', machine: { node: process.versions.node } });
    for (const part of ['samples', 'validation', 'checkpoints']) expect(record.seconds[part]).toBeGreaterThan(0);

    const last = (await readFile(join(output, 'metrics.jsonl'), 'utf8')).trim().split('\n').at(-1) ?? '';
    const next = last.replace('"step":5', '"step":6');
    await appendFile(join(output, 'metrics.jsonl'), `${next}\n${next.slice(0, 40)}`);
    const { status, stdout } = await runCli(['report', '--run', output, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      output: join(output, 'report.html'),
      runs: [{ name: 'run', steps: 6 }],
    });
    expect(await readFile(join(output, 'report.html'), 'utf8')).toContain('<b>6 / 5</b>');
  });

  it('is written without a word if none is wanted', async () => {
    const { stderr, output } = await train('llamagen', { steps: 1 }, '--quiet');
    expect(stderr).toBe('');
    expect(await readdir(output)).toEqual(expect.arrayContaining(['report.html', 'run.json']));
  });

  it('shows the weights that the run starts from', async () => {
    const first = await train('llamagen', { steps: 1 });
    const model = { ...models.llamagen, num_classes: 7 };
    const { output, stderr } = await train('llamagen', { model, steps: 1, init_from: first.output });
    expect(stderr).toMatch(/^train: starts from '.*best' \(llamagen\): takes [\d,]+ of [\d,]+ parameters$/m);
    expect(stderr).toMatch(
      /^train: {3}cls_embedding: 32 of 256; takes only the null class: there are 7 classes in place of 5/m,
    );
    const page = await readFile(join(output, 'report.html'), 'utf8');
    expect(page).toMatch(
      /<h2>Starts from<\/h2>[\s\S]*<th scope="row">cls_embedding<\/th><td>0\.00 M<\/td><td>12\.5 %<\/td>/,
    );
  });

  it('compares runs', async () => {
    const [first, second] = [await train('llamagen'), await train('dpar')];
    const path = join(first.output, 'both.html');
    const argv = ['report', '--run', first.output, '--run', second.output, '--output', path];
    const { status, stdout } = await runCli(argv);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`in ${path}`)]);
    const page = await readFile(path, 'utf8');
    // Folders of the same name are told apart by their paths.
    for (const { output } of [first, second]) expect(page).toContain(`<th scope="col">${output}</th>`);
  });

  it('says why a run failed', async () => {
    // The first step makes weights of any size, the second a loss of none.
    const { output, status, stderr } = await train('llamagen', { optimizer: { learning_rate: 1e38 } });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /expected a finite loss and gradient norm, got .* at step 2, with the batch of images [01], [01]/,
    );
    expect(JSON.parse(await readFile(join(output, 'run.json'), 'utf8'))).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('at step 2, with the batch of images'),
    });
    expect(await readFile(join(output, 'report.html'), 'utf8')).toContain('<b>run failed after step 1.</b>');
  });

  it('needs a run', async () => {
    expect(await runCli(['report'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('expected --run DIR'),
    });
    const folder = await temporaryFolder();
    expect((await runCli(['report', '--run', folder])).stderr).toContain("expected the output folder of 'dpar train'");
  });
});
