import { readFile } from 'node:fs/promises';
import { hasTfjsNode } from '@dpar/config/tfjs-node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createTfjsEngine } from '@dpar/engine-tfjs';
import { entropyKind } from '@dpar/entropy';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { dparKind } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { createReferenceEngine, type Engine, named } from '@dpar/tensor';
import { describe, expect, it } from 'vitest';
import { createSampler } from './create-sampler.js';

async function models() {
  return {
    model: await loadModel(fixturePath('dpar-dynamic4d'), { kinds: [dparKind] }),
    entropyModel: await loadModel(fixturePath('entropy-model'), { kinds: [entropyKind] }),
  };
}

const engines: Record<string, () => Promise<Engine>> = {
  reference: async () => createReferenceEngine(),
  ort: () => createOrtEngine({ threads: 2 }),
  'tfjs wasm': () => createTfjsEngine({ backend: 'wasm' }),
  'tfjs cpu': () => createTfjsEngine({ backend: 'cpu' }),
  ...(hasTfjsNode() && { 'tfjs node': () => createTfjsEngine({ backend: 'node' }) }),
};

describe.each(Object.keys(engines))(
  'on the engine %s, greedy generation is the reference vectors’, token for token',
  (engineName) => {
    it.each(['generate-greedy-nocfg', 'generate-greedy-cfg2'])('%s', async (name) => {
      const { model, entropyModel } = await models();
      const settings = JSON.parse(await readFile(fixturePath(`${name}/config.json`), 'utf8'));
      const io = toHostTensors((await readSafetensors(fixturePath(`${name}/io.safetensors`))).tensors);
      const engine = await (engines[engineName] as () => Promise<Engine>)();
      const sampler = createSampler(engine, model, { entropyModel });
      const { tokens, patchLengths } = await sampler.generate({
        labels: named(io, 'labels').data,
        guidanceScale: settings.cfg_scale,
        threshold: settings.threshold,
        maxPatchLength: settings.max_patch_length,
        greedy: true,
      });
      expect(Array.from(tokens)).toEqual(Array.from(named(io, 'tokens').data));
      const lengths = named(io, 'patch_lengths');
      const [, width = 0] = lengths.shape;
      patchLengths.forEach((image, b) => {
        const expected = Array.from(lengths.data.subarray(b * width, (b + 1) * width)).filter((length) => length > 0);
        expect(Array.from(image)).toEqual(expected);
      });
      await sampler.dispose();
      await engine.dispose();
    });
  },
);
