import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { writePngs } from '@dpar/fixtures';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { blockMeansNetwork } from '../testing/block-means.js';
import { runCli } from '../testing/run-cli.js';

const model = {
  kind: 'vq',
  ch: 8,
  ch_mult: [1, 1],
  num_res_blocks: 1,
  z_channels: 8,
  codebook_size: 16,
  codebook_embed_dim: 4,
  norm_groups: 4,
  patch_size: 2,
  image_size: 16,
};

/** Pictures of 20 x 18 pixels: a square of a colour on a gradient. */
function pictures(count: number) {
  return Array.from({ length: count }, (_, k) => {
    const data = Uint8Array.from({ length: 3 * 20 * 18 }, (_, i) => {
      const [x, y, channel] = [Math.floor(i / 3) % 20, Math.floor(i / 60), i % 3];
      const inside = Math.abs(x - 5 - k) < 5 && Math.abs(y - 9) < 5;
      return inside ? (40 * (k + channel * 2)) % 256 : (6 * x + 8 * y * channel) % 256;
    });
    return { width: 20, height: 18, data };
  });
}

/** Runs `dpar train` with a configuration. */
async function train(changes: object, ...more: string[]) {
  const folder = await temporaryFolder();
  const [path, output, images] = [join(folder, 'train.json'), join(folder, 'run'), join(folder, 'images')];
  await writePngs(images, pictures(10), (i) => `${i % 2 ? 'a' : 'b'}/${i}.png`);
  const data = { images, validation: images };
  const shared = { optimizer: { learning_rate: 0.01 }, steps: 6, batch_size: 2, validate_every: 3 };
  await writeFile(path, JSON.stringify({ model, data, ...shared, output, ...changes }));
  return { output, ...(await runCli(['train', '--config', path, '--threads', '1', ...more])) };
}

it('trains a tokenizer, reports its figures and draws pairs of pictures', async () => {
  const changes = { samples: { every: 3, count: 2 }, discriminator: { start: 3, width: 8, layers: 1 } };
  const { output, status, stdout, stderr } = await train(changes, '--json');
  expect([status, stderr.includes('WARNING')]).toEqual([0, false]);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({ steps: 6, resumed_from: 0, output });
  for (const name of [
    'loss',
    'validation_loss',
    'psnr',
    'ssim',
    'codes_in_use',
    'validation_codes_in_use',
    'wait_share',
  ]) {
    expect(found[name], name).toBeTypeOf('number');
  }
  expect(found.rfid).toBeUndefined();
  expect(found.codes_in_use).toBeGreaterThan(0);
  expect(stderr).toMatch(/absolute 0\.\d+.*PSNR \d+\.\d\d dB, SSIM .*, \d+ of 16 codes in use, waiting for pictures/);
  expect(stderr).not.toMatch(/nats|per patch/);

  const names = await readdir(join(output, 'samples'));
  expect(names).toEqual(['step-000003.png', 'step-000006.png']);
  const grid = decode(await readFile(join(output, 'samples', 'step-000006.png')));
  expect(grid).toMatchObject({ width: 4 * 18 + 2, height: 20 });

  const page = await readFile(join(output, 'report.html'), 'utf8');
  for (const text of [
    'PSNR of the validation pictures',
    'Codebook and commitment terms',
    'Loss of the discriminator',
    'the original on the left, its reconstruction on the right',
    'all convolutions and matrix products',
    'of the time waiting for pictures',
    'codes in use in the last steps',
  ]) {
    expect(page).toContain(text);
  }
  expect(page).not.toMatch(/nats per token|Nats per token|tokens per patch|NaN/);
});

it('measures rFID at each validation by the network of the configuration', async () => {
  const network = join(await temporaryFolder(), 'means.onnx');
  await writeFile(network, blockMeansNetwork());
  const { output, status, stdout } = await train({ features: { network, range: 'unit' } }, '--json');
  expect(status).toBe(0);
  const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const measured = lines.map((line) => JSON.parse(line).validation_fid);
  expect(measured.map((value) => typeof value)).toEqual([
    ...['undefined', 'undefined', 'number'],
    ...['undefined', 'undefined', 'number'],
  ]);
  const found = JSON.parse(stdout);
  expect(found.rfid).toBe(measured[5]);
  expect(found.rfid_network).toMatch(/^ONNX model sha256:/);
  const settings = `N = ${found.rfid_images}, by ${found.rfid_network}, resize ${found.rfid_resize}`;
  expect(JSON.parse(lines[5] as string).validation_images).toBe(found.rfid_images);
  expect(await readFile(join(output, 'report.html'), 'utf8')).toContain(`rFID of the validation pictures: ${settings}`);
  const unknown = await train({ features: { network } });
  expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('--range')]);
});

it('sets keys of a patch VQ, and tells its figures in a line', async () => {
  const patches = { kind: 'patch-vq', image_size: 16, patch_size: 8, codebook_size: 8, hidden_dim: 8 };
  const { status, stdout } = await train({ model: patches }, '--set', 'model.patch_size=4', '--set', 'steps=2');
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^2 steps, loss 0\.\d+, validation 0\.\d+, PSNR \d+\.\d\d dB, SSIM .*, \d+ codes in the validation pictures, .* waiting for pictures/,
  );
});

it('has all keys with their defaults in its help', async () => {
  const { stdout } = await runCli(['train', '--help']);
  for (const key of ['model.norm_groups', 'loss.commitment', 'discriminator.learning_rate_ratio', 'data.background']) {
    expect(stdout).toContain(key);
  }
  expect(stdout.replace(/\s+/g, ' ')).toContain('Weight of the distance that moves states to codes (default: 0.25)');
});
