import { createOrtEngine } from '@dpar/engine-ort';
import { llamaGenKind } from '@dpar/model';
import { createSampler, type SampleOptions } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { type ComparedModel, comparedModel, scriptSettings, torchVariants, weightsOf } from '../models.js';
import { PythonPeer } from '../python-peer.js';
import { type Absent, type Contender, compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import { openTfjs } from '../tfjs.js';
import type { Agreement, Row, Topic, TopicResult } from '../topic.js';
import { timed } from '../turns.js';
import { numbersOf } from '../values.js';

/** Generation of images on an engine. */
function sampleOn(engine: Engine, model: ComparedModel) {
  const { config, images } = model;
  const sampler = createSampler(engine, { kind: llamaGenKind, config, parameters: weightsOf(model) });
  const labels = Array.from({ length: images }, (_, i) => i % config.numClasses);
  const generate = async (options: Partial<SampleOptions>) =>
    (await sampler.generate({ labels, guidanceScale: 2, ...options })).tokens;
  return { greedy: () => generate({ greedy: true }), work: timed(() => generate({ seed: 1 })) };
}

/**
 * Share of tokens that differ. In float32 all are equal, unless the two likeliest tokens almost tie: then all that follow differ too.
 */
function agreementOf(ours: ArrayLike<number>, theirs: ArrayLike<number>, within: number): Agreement {
  const different = Array.from(ours).filter((token, i) => token !== theirs[i]).length;
  const difference = ours.length === theirs.length ? different / ours.length : Number.NaN;
  return { of: 'share of different tokens, greedy', difference, within };
}

const notes: Readonly<Record<string, string>> = {
  bfloat16:
    'The peer’s weights are bfloat16 and half as many bytes to read. Ours are float32 here; @dpar/sampler has int8 and int4.',
  tfjs: 'Each operation is a call of its own.',
};

/** Generation of images by LlamaGen-B. @param images Images at the same time. */
export function sampling(images: number): Topic {
  return {
    name: `sampling/batch-${images}`,
    title: `Sampling, ${images === 1 ? 'one image' : `${images} images`}`,
    about:
      'Generation of whole images with guidance of scale 2 and cached keys and values, a random draw for each token, in float32 on our side (ONNX ' +
      'Runtime). Values are the tokens of greedy generation with the same weights; with bfloat16 a near tie may fall the other way, and all ' +
      'tokens after it differ. PyTorch’s bfloat16 has its weights in bfloat16. JAX generates in one loop of XLA. TensorFlow.js runs our model by ' +
      '@dpar/engine-tfjs.',
    async measure(settings) {
      const { threads, small } = settings;
      const model = comparedModel(small ? 'tiny' : 'B', images);
      const ours = sampleOn(await createOrtEngine({ threads }), model);
      const tokens = await ours.greedy();
      let versions: TopicResult['versions'] = {};
      const onEngines: (Contender | Absent)[] = [];
      for (const backend of ['node', 'wasm'] as const) {
        const peer = `TensorFlow.js ${backend === 'node' ? 'native' : 'WASM'}, float32`;
        if (backend === 'wasm' && !small && images > 1) {
          onEngines.push({ peer, missing: 'left out, it runs on one core and takes minutes. One image is compared.' });
          continue;
        }
        const opened = await openTfjs(backend);
        if (typeof opened === 'string') {
          onEngines.push({ peer, missing: opened });
          continue;
        }
        versions = { ...versions, ...opened.versions };
        let sampler: ReturnType<typeof sampleOn> | undefined;
        const start = () => (sampler ??= sampleOn(opened.engine, model));
        onEngines.push({
          peer,
          ifSlower: notes.tfjs ?? '',
          agree: async () => agreementOf(tokens, await start().greedy(), 0),
          work: (repeat) => start().work(repeat),
        });
      }
      const inputs = weightsOf(model);
      const start = (script: string, variants: readonly string[]) =>
        PythonPeer.start(script, { threads, inputs, settings: { ...scriptSettings(model), variants } });
      const caseOf = (python: PythonPeer | string, peer: string, name: string, needs: string) => {
        const half = name.includes('bfloat16');
        const ifSlower = half ? (notes.bfloat16 ?? '') : 'The peer has less work a step outside the products.';
        const agree = async () => {
          const theirs = numbersOf(await (python as PythonPeer).result(`greedy ${name}`), 'tokens');
          return agreementOf(tokens, theirs, half ? 1 : 0);
        };
        return pythonContender(python, { peer, name, needs, ifSlower, agree });
      };
      const amount = { of: tokens.length, unit: 'tokens/s' };
      const rows: Row[] = [];
      await withPython(start('sample.py', Object.keys(torchVariants)), (torch) =>
        withPython(start('sample_jax.py', []), async (jax) => {
          const ofTorch = Object.entries(torchVariants).map(([name, peer]) => caseOf(torch, peer, name, 'PyTorch'));
          const contenders = [...ofTorch, caseOf(jax, 'JAX, float32, jit', 'jit', 'JAX'), ...onEngines];
          const what = `${model.name}, ${model.config.blockSize} tokens an image`;
          rows.push(...(await compareWith({ what, amount, ours: ours.work }, contenders, settings)));
          versions = { ...versions, ...versionsOf(torch), ...versionsOf(jax) };
        }),
      );
      return { rows, versions };
    },
  };
}
