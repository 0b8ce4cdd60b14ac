import { createOrtEngine } from '@dpar/engine-ort';
import { llamaGenKind } from '@dpar/model';
import type { Engine } from '@dpar/tensor';
import { Trainer } from '@dpar/train';
import { createOptimizerThreadFor } from '@dpar/train/node';
import {
  type ComparedModel,
  type ComparedSize,
  comparedModel,
  scriptSettings,
  torchVariants,
  weightsOf,
} from '../models.js';
import { PythonPeer } from '../python-peer.js';
import { type Absent, type Contender, compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import { openTfjs } from '../tfjs.js';
import type { PeerSettings, Row, Topic, TopicResult } from '../topic.js';
import { type Timed, timed } from '../turns.js';
import { numbersOf, relativeDifference } from '../values.js';

/** Steps whose losses are compared. The last one depends on two updates of all weights. */
const comparedSteps = 3;

/** Largest relative differences of the losses. */
const within = { float32: 1e-5, bfloat16: 1e-2 };

const noDropout = { token: 0, residual: 0, feedForward: 0 };

/** Steps of a training on an engine. All images of the set are in each batch. */
function trainOn(engine: Engine, model: ComparedModel): { readonly losses: Promise<number[]>; readonly work: Timed } {
  const { config, images, tokens, labels } = model;
  const parameters = weightsOf(model);
  const trainer = new Trainer({
    engine,
    model: { kind: llamaGenKind, config, parameters },
    data: { tokens, labels },
    batchSize: images,
    steps: 1e6,
    seed: 0,
    classDropout: 0,
    dropout: noDropout,
    optimizerThread: createOptimizerThreadFor(parameters),
  });
  const steps = trainer.run();
  const step = async (): Promise<number> => ((await steps.next()).value as { loss: number }).loss;
  const losses = (async () => {
    const found: number[] = [];
    while (found.length < comparedSteps) found.push(await step());
    return found;
  })();
  return { losses, work: timed(step) };
}

const notes: Readonly<Record<string, string>> = {
  compiled: 'The compiler fuses the small operators of both passes.',
  bfloat16: 'The peer multiplies in bfloat16, of which this processor does more a second. Our products are in float32.',
  jit: 'XLA fuses the small operators of both passes and the optimizer.',
};

const noteOf = (variant: string): string =>
  notes[variant.includes('bfloat16') ? 'bfloat16' : variant] ??
  'ONNX Runtime does the same products, and copies weights and gradients between them and the optimizer.';

/** Whole training steps of LlamaGen in float32 on our side. @param images Images of a step. */
export function training(images: number): Topic {
  return {
    name: `training/batch-${images}`,
    title: `Training step, ${images} images`,
    about:
      'Forward and backward pass, clipping to the norm 1 and AdamW, without dropout, in float32 on our side (ONNX Runtime). All start from the same ' +
      `weights and read the same images. Values are the losses of ${comparedSteps} steps. PyTorch has fused attention and AdamW; bfloat16 is its autocast. ` +
      'PyTorch and JAX run plain code of their own; TensorFlow.js runs our model by @dpar/engine-tfjs. WASM trains the size of the demo, because its ' +
      'step of LlamaGen-B takes minutes.',
    async measure(settings) {
      const { small } = settings;
      const large = await measureSize(small ? 'tiny' : 'B', images, settings, small ? ['node', 'wasm'] : ['node']);
      if (small) return large;
      const demo = await measureSize('demo', images, settings, ['wasm']);
      return { rows: [...large.rows, ...demo.rows], versions: { ...demo.versions, ...large.versions } };
    },
  };
}

async function measureSize(
  size: ComparedSize,
  images: number,
  settings: PeerSettings,
  backends: readonly ('node' | 'wasm')[],
): Promise<TopicResult> {
  const model = comparedModel(size, images);
  const { threads } = settings;
  const engine = await createOrtEngine({ threads });
  const ours = trainOn(engine, model);
  const agree = async (losses: ArrayLike<number>, limit = within.float32) => ({
    of: 'relative, losses',
    difference: relativeDifference(await ours.losses, losses),
    within: limit,
  });
  let versions: TopicResult['versions'] = {};
  const onEngines: (Contender | Absent)[] = [];
  for (const backend of backends) {
    const peer = `TensorFlow.js ${backend === 'node' ? 'native' : 'WASM'}, float32`;
    const opened = await openTfjs(backend);
    if (typeof opened === 'string') {
      onEngines.push({ peer, missing: opened });
      continue;
    }
    versions = { ...versions, ...opened.versions };
    let started: ReturnType<typeof trainOn> | undefined;
    const start = () => (started ??= trainOn(opened.engine, model));
    const ifSlower = 'TensorFlow.js calls one kernel an operation, and its own updates follow.';
    onEngines.push({
      peer,
      ifSlower,
      agree: async () => agree(await start().losses),
      work: (repeat) => start().work(repeat),
    });
  }
  const rows: Row[] = [];
  const input = { threads, inputs: { ...weightsOf(model), labels: model.labels, codes: model.tokens } };
  const variants = size === 'demo' ? {} : torchVariants;
  const torchSettings = { ...scriptSettings(model), drop: 0, variants: Object.keys(variants) };
  const what = `${model.name}, step of ${images} images`;
  const amount = { of: images, unit: 'images/s' };
  const scripts =
    size === 'demo' ? [] : [start('train_step.py', torchSettings), start('train_step_jax.py', scriptSettings(model))];
  function start(script: string, given: Readonly<Record<string, unknown>>): Promise<PythonPeer | string> {
    return PythonPeer.start(script, { ...input, settings: given });
  }
  const [torch = Promise.resolve(''), jax = Promise.resolve('')] = scripts;
  await withPython(torch, (torchPeer) =>
    withPython(jax, async (jaxPeer) => {
      const ofTorch = Object.entries(variants).map(([variant, peer]) =>
        caseOf(torchPeer, peer, variant, 'PyTorch', variant.includes('bfloat16') ? within.bfloat16 : within.float32),
      );
      const ofJax = scripts.length > 0 ? [caseOf(jaxPeer, 'JAX, float32, jit', 'jit', 'JAX', within.float32)] : [];
      rows.push(
        ...(await compareWith({ what, amount, ours: ours.work }, [...ofTorch, ...ofJax, ...onEngines], settings)),
      );
      versions = { ...versions, ...versionsOf(torchPeer), ...versionsOf(jaxPeer) };
    }),
  );
  return { rows, versions };

  function caseOf(python: PythonPeer | string, peer: string, name: string, needs: string, limit: number) {
    const losses = async () => numbersOf(await (python as PythonPeer).result(`check ${name}`), 'losses');
    return pythonContender(python, {
      peer,
      name,
      needs,
      ifSlower: noteOf(name),
      agree: async () => agree(await losses(), limit),
    });
  }
}
