import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@dpar/fixtures';
import { formatSafetensors, parseSafetensors } from '@dpar/io';
import { readCheckpoint, readSafetensors, writePyTorch, writeSafetensors } from '@dpar/io/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importCheckpoint } from './import.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dpar-train-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A file's content, as text: buffers are slow to compare. */
const read = (...path: string[]): string => readFileSync(join(...path)).toString('base64');
/** A safetensors file in the order and form in which this repository writes it. */
const rewritten = (name: string): string =>
  Buffer.from(formatSafetensors(parseSafetensors(readFileSync(fixturePath(name))).tensors)).toString('base64');

const json = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8'));

describe("importCheckpoint of LlamaGen's training checkpoint", () => {
  const path = fixturePath('torch-pt/llamagen-training-checkpoint.pt');

  it('names the keys that neither shapes nor arguments give', async () => {
    const importing = importCheckpoint(path, join(folder, 'never'));
    await expect(importing).rejects.toThrow(
      'expected block_size, n_head of this llamagen model, which cannot be inferred from its shapes, got none. ' +
        'Pass them with --config FILE, or as in --set block_size=256.',
    );
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  it('gives the bytes of the weights, and the configuration', async () => {
    const to = join(folder, 'llamagen');
    const config = json(fixturePath('llamagen/config.json'));
    const result = await importCheckpoint(path, to, { settings: ['block_size=64', 'n_head=2', 'multiple_of=32'] });
    expect(result).toMatchObject({ kind: 'llamagen', tensors: 18, step: undefined });
    expect(read(to, 'model.safetensors')).toBe(rewritten('llamagen/model.safetensors'));
    const { loss, ...expected } = config;
    expect(loss).toBeGreaterThan(0);
    expect(json(join(to, 'config.json'))).toEqual(expected);
    // A whole config.json is taken as it is.
    await importCheckpoint(path, to, { config });
    expect(json(join(to, 'config.json'))).toEqual(config);
  });

  it.each([
    ['half-state-dict.pt', 'F16'],
    ['bfloat16-state-dict.pt', 'BF16'],
  ])('keeps the element type of %s', async (name, dtype) => {
    const to = join(folder, dtype);
    await importCheckpoint(fixturePath(`torch-pt/${name}`), to, { settings: ['block_size=64', 'n_head=2'] });
    const { tensors } = await readSafetensors(join(to, 'model.safetensors'));
    expect(new Set(Array.from(tensors.values(), (tensor) => tensor.dtype))).toEqual(new Set([dtype]));
  });
});

describe('importCheckpoint of weights alone', () => {
  const heads = ['n_head=2', 'block_size=64', 'multiple_of=32'];
  const patches = ['patching.threshold=1', 'patching.max_patch_length=4', 'embedding_type=dynamic_4d'];

  it.each([
    ['llamagen', heads],
    ['entropy-model', ['n_head=4', 'block_size=64', 'multiple_of=32', 'num_classes=5']],
    ['dpar-dynamic4d', [...heads, ...patches]],
    ['dpar-rope1d', [...heads, 'patching.threshold=1.1', 'patching.max_patch_length=4', 'embedding_type=null']],
    ['dpar-e2d1-static2', [...heads, 'patching={"mode":"static","max_patch_length":2}', 'embedding_type=dynamic_4d']],
  ])('recognises %s', async (name, settings) => {
    const to = join(folder, name);
    await importCheckpoint(fixturePath(`${name}/model.safetensors`), to, { settings });
    const { loss, adamw, ...config } = json(fixturePath(`${name}/config.json`));
    expect(json(join(to, 'config.json'))).toEqual(config);
    expect(read(to, 'model.safetensors')).toBe(rewritten(`${name}/model.safetensors`));
  });

  it('names the keys of DPAR that cannot be inferred', async () => {
    const path = fixturePath('dpar-dynamic4d/model.safetensors');
    const message =
      'expected block_size, n_head, embedding_type, patching.threshold, patching.max_patch_length of this dpar';
    await expect(importCheckpoint(path, join(folder, 'never'))).rejects.toThrow(message);
  });

  it('finds official names behind those of wrappers, and leaves out what is computed', async () => {
    const { tensors } = await readSafetensors(fixturePath('llamagen/model.safetensors'));
    const wrapped = new Map(
      [...tensors].map(([name, tensor]) => [
        `module._orig_mod.${name.replace(/^layers\.(\d+)\./, 'layers.$1._fsdp_wrapped_module.')}`,
        tensor,
      ]),
    );
    wrapped.set('module._orig_mod.freqs_cis', { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) });
    const [path, to] = [join(folder, 'wrapped.pt'), join(folder, 'unwrapped')];
    await writePyTorch(path, { module: wrapped });
    const { ignored } = await importCheckpoint(path, to, { settings: heads });
    expect(ignored).toEqual(['freqs_cis']);
    expect(read(to, 'model.safetensors')).toBe(rewritten('llamagen/model.safetensors'));
  });

  it('lists what is missing, extra or of another shape', async () => {
    const { tensors } = await readSafetensors(fixturePath('llamagen/model.safetensors'));
    const changed = new Map(tensors);
    changed.delete('norm.weight');
    changed.set('extra', { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) });
    changed.set('layers.1.ffn_norm.weight', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) });
    changed.set('layers.1.attention_norm.weight', { dtype: 'I32', shape: [64], bytes: new Uint8Array(256) });
    const path = join(folder, 'changed.safetensors');
    await writeSafetensors(path, changed);
    await expect(importCheckpoint(path, join(folder, 'never'), { settings: heads })).rejects.toThrow(
      /layers\.1\.attention_norm\.weight is int32\[64\] instead of float32\[64\]; layers\.1\.ffn_norm\.weight is float32\[2\] instead of float32\[64\]; missing norm\.weight \[64\]; unknown extra/,
    );
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  it("reads LlamaGen's tokenizer, whose sizes its shapes tell", async () => {
    const { config, parameters } = await readCheckpoint(fixturePath('vq'));
    const { tensors } = await readSafetensors(fixturePath('vq/model.safetensors'));
    const path = join(folder, 'vq.pt');
    const usage = { dtype: 'F32' as const, shape: [9], bytes: new Uint8Array(36) };
    await writePyTorch(path, { model: new Map([...tensors, ['quantize.codebook_used', usage]]), steps: 7 });
    const to = join(folder, 'vq');
    const result = await importCheckpoint(path, to, { settings: ['image_size=32'] });
    expect(result).toMatchObject({ kind: 'vq', tensors: tensors.size, ignored: ['quantize.codebook_used'] });
    expect(result.assumed).toEqual(['codebook_l2_norm true (usual)']);
    const { layout: _, ...expected } = config;
    const imported = await readCheckpoint(to);
    expect(imported.config).toEqual(expected);
    expect({ ...imported.parameters }).toEqual({ ...parameters });
    const some = new Map([...tensors].filter(([name]) => name !== 'encoder.conv_out.weight'));
    const damaged = join(folder, 'damaged.safetensors');
    await writeSafetensors(damaged, some);
    await expect(importCheckpoint(damaged, to)).rejects.toThrow('got: missing encoder.conv_out.weight [32, 64, 3, 3].');
  });

  it('refuses files of other things', async () => {
    const to = join(folder, 'never');
    await expect(importCheckpoint(fixturePath('torch-pt/values.pt'), to)).rejects.toThrow(
      /expected the parameters of a DPAR, class-conditional LlamaGen .* got contiguous, transposed/,
    );
    const empty = join(folder, 'empty.pt');
    await writePyTorch(empty, { steps: 3 });
    await expect(importCheckpoint(empty, to)).rejects.toThrow("expected weights under 'model'");
    await expect(importCheckpoint(empty, to, { only: 'ema' })).rejects.toThrow("expected weights under 'ema'");
    await expect(importCheckpoint(join(folder, 'nothing.pt'), to)).rejects.toThrow('ENOENT');
  });
});
