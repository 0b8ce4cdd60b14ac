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
  torchVariantsOf,
  weightsOf,
} from '../models.js';
import { PythonPeer } from '../python-peer.js';
import { type Absent, type Contender, compareWith, pythonContender, versionsOf, withPython } from '../rows.js';
import { type ComparedBackend, type TfjsContender, tfjsContender } from '../tfjs.js';
import type { Agreement, PeerSettings, Row, Topic, TopicResult } from '../topic.js';
import { type Timed, timed } from '../turns.js';
import { numbersOf, relativeDifference } from '../values.js';

/** Steps whose losses are compared. The last one depends on two updates of all weights. */
const comparedSteps = 3;

/** Largest relative differences of the losses. */
const within = { float32: 1e-5, bfloat16: 1e-2 };

/** Compares losses with ours. @param limit Largest relative difference. */
type Agree = (losses: ArrayLike<number>, limit: number) => Agreement;

/** Images of a step. */
const images = 4;

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

/** Whole training steps of LlamaGen, in float32 on our side. */
export const training: Topic = {
  name: 'training',
  title: 'Training step',
  about:
    'Forward and backward pass, clipping to the norm 1 and AdamW, without dropout, in float32 on our side (ONNX Runtime). All start from the same ' +
    `weights and read the same images. Values are the losses of ${comparedSteps} steps. PyTorch has fused attention and AdamW; bfloat16 is its autocast. ` +
    'PyTorch and JAX run plain code of their own; TensorFlow.js runs our model by @dpar/engine-tfjs. WASM trains the size of the demo, because a ' +
    'step of LlamaGen-B would take minutes.',
  async measure(settings) {
    const { small } = settings;
    const large = await measureSize(small ? 'tiny' : 'B', settings, [
      'python',
      'node',
      ...(small ? ['wasm' as const] : []),
    ]);
    if (small) return large;
    const demo = await measureSize('demo', settings, ['wasm']);
    return { rows: [...large.rows, ...demo.rows], versions: { ...large.versions, ...demo.versions } };
  },
};

async function measureSize(
  size: ComparedSize,
  settings: PeerSettings,
  peers: readonly (ComparedBackend | 'python')[],
): Promise<TopicResult> {
  const model = comparedModel(size, images);
  const ours = trainOn(await createOrtEngine({ threads: settings.threads }), model);
  const expected = await ours.losses;
  const agree: Agree = (losses, limit) => ({
    of: 'relative, losses',
    difference: relativeDifference(expected, losses),
    within: limit,
  });
  const onEngines: TfjsContender[] = [];
  for (const backend of (['node', 'wasm'] as const).filter((one) => peers.includes(one))) {
    const found = await tfjsContender(backend, 'TensorFlow.js calls a kernel for each operation.', (engine) => {
      const { losses, work } = trainOn(engine, model);
      return { work, agree: async () => agree(await losses, within.float32) };
    });
    onEngines.push(found);
  }
  const compare = (others: readonly (Contender | Absent)[]): Promise<Row[]> => {
    const work = {
      what: `${model.name}, step of ${images} images`,
      amount: { of: images, unit: 'images/s' },
      ours: ours.work,
    };
    return compareWith(work, [...others, ...onEngines.map(({ contender }) => contender)], settings);
  };
  const versions = Object.assign({}, ...onEngines.map((found) => found.versions));
  if (!peers.includes('python')) return { rows: await compare([]), versions };
  const scripts = startScripts(model, settings);
  return withPython(scripts.torch, (torch) =>
    withPython(scripts.jax, async (jax) => ({
      rows: await compare([
        ...torchVariantsOf(settings.small).map(([name, peer]) =>
          scriptContender(torch, peer, name, ['PyTorch', ...(name.includes('bfloat16') ? ['bfloat16'] : [])], agree),
        ),
        scriptContender(jax, 'JAX, float32, jit', 'jit', ['JAX'], agree),
      ]),
      versions: { ...versionsOf(torch), ...versionsOf(jax), ...versions },
    })),
  );
}

function startScripts(model: ComparedModel, { threads, small }: PeerSettings) {
  const inputs = { ...weightsOf(model), labels: model.labels, codes: model.tokens };
  const settings = { ...scriptSettings(model), drop: 0, variants: torchVariantsOf(small).map(([variant]) => variant) };
  const [torch, jax] = ['train_step.py', 'train_step_jax.py'].map((script) =>
    PythonPeer.start(script, { threads, inputs, settings }),
  ) as [ReturnType<typeof PythonPeer.start>, ReturnType<typeof PythonPeer.start>];
  return { torch, jax };
}

/** A case of a script whose losses are compared with ours. */
function scriptContender(
  python: PythonPeer | string,
  peer: string,
  name: string,
  needs: readonly string[],
  agree: Agree,
) {
  const limit = name.includes('bfloat16') ? within.bfloat16 : within.float32;
  return pythonContender(python, {
    peer,
    name,
    needs,
    ifSlower: noteOf(name),
    agree: async () => agree(numbersOf(await (python as PythonPeer).result(`check ${name}`), 'losses'), limit),
  });
}
