import { createOrtEngine } from '@dpar/engine-ort';
import { llamaGenKind } from '@dpar/model';
import { createSampler, type SampleOptions } from '@dpar/sampler';
import type { Engine } from '@dpar/tensor';
import { type ComparedModel, comparedModel, scriptSettings, torchVariantsOf, weightsOf } from '../models.js';
import { PythonPeer } from '../python-peer.js';
import { compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import { type TfjsContender, tfjsContender, tfjsPeer } from '../tfjs.js';
import type { Agreement, Topic } from '../topic.js';
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

const halfNote =
  'The peer’s weights are bfloat16 and half as many bytes to read. Ours are float32 here; @dpar/sampler has int8 and int4.';

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
      const onEngines: TfjsContender[] = [];
      for (const backend of ['node', 'wasm'] as const) {
        if (backend === 'wasm' && !small && images > 1) {
          const missing = 'left out, it runs on one core and takes minutes. One image is compared.';
          onEngines.push({ contender: { peer: tfjsPeer(backend), missing }, versions: {} });
          continue;
        }
        const found = await tfjsContender(backend, 'TensorFlow.js calls a kernel for each operation.', (engine) => {
          const { greedy, work } = sampleOn(engine, model);
          return { work, agree: async () => agreementOf(tokens, await greedy(), 0) };
        });
        onEngines.push(found);
      }
      const variants = torchVariantsOf(small);
      const inputs = weightsOf(model);
      const start = (script: string, names: readonly string[]) =>
        PythonPeer.start(script, { threads, inputs, settings: { ...scriptSettings(model), variants: names } });
      const caseOf = (python: PythonPeer | string, peer: string, name: string, needs: readonly string[]) => {
        const half = name.includes('bfloat16');
        const ifSlower = half ? halfNote : 'The peer has less work a step outside the products.';
        const agree = async () => {
          const theirs = numbersOf(await (python as PythonPeer).result(`greedy ${name}`), 'tokens');
          return agreementOf(tokens, theirs, half ? 1 : 0);
        };
        return pythonContender(python, { peer, name, needs, ifSlower, agree });
      };
      const amount = { of: tokens.length, unit: 'tokens/s' };
      return withPython(
        start(
          'sample.py',
          variants.map(([variant]) => variant),
        ),
        (torch) =>
          withPython(start('sample_jax.py', []), async (jax) => {
            const contenders = [
              ...variants.map(([name, peer]) =>
                caseOf(torch, peer, name, ['PyTorch', ...(name.includes('bfloat16') ? ['bfloat16'] : [])]),
              ),
              caseOf(jax, 'JAX, float32, jit', 'jit', ['JAX']),
              ...onEngines.map(({ contender }) => contender),
            ];
            const what = `${model.name}, ${model.config.blockSize} tokens an image`;
            return {
              rows: await compareWith({ what, amount, ours: ours.work }, contenders, settings),
              versions: Object.assign(
                { ...versionsOf(torch), ...versionsOf(jax) },
                ...onEngines.map(({ versions }) => versions),
              ),
            };
          }),
      );
    },
  };
}
