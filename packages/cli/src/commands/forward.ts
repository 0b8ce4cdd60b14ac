import { misspelt } from '@dpar/check';
import { readCheckpointClasses, writeSafetensors } from '@dpar/io/node';
import { boundaryPatching, type DparConfig, globalRotaryTable } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { type ImageArchitecture, type ImageModel, nullClassOf } from '@dpar/nn';
import { batchPatchLengths, type PaddedPatches } from '@dpar/patchify';
import {
  DparError,
  type Engine,
  float32,
  formatType,
  type HostTensor,
  int32,
  named,
  type TensorFunction,
  type Tensors,
} from '@dpar/tensor';
import { vqKind } from '@dpar/tokenizer';
import { entropiesOfSet, gradientFunction, sizeOfSet, type TokenSet } from '@dpar/train';
import { checkSameClasses, readClassNames } from '@dpar/train/node';
import { type Context, defineCommand, type Result } from '../command/command.js';
import { CommandError, UsageError } from '../command/errors.js';
import { countOf } from '../command/format.js';
import { file, flag, folder, outputFile, required } from '../command/options.js';
import { patchLengthsOf, readCheckpointConfig, readTensors, tokensFor } from '../input-files.js';

export const forward = defineCommand({
  name: 'forward',
  summary: 'Run one teacher-forced pass of a model, or one pass of a tokenizer',
  details:
    "'kind' in the checkpoint's config.json selects the model.\n\n" +
    "dpar, llamagen, entropy: the input has 'tokens' [B, T] int32, 'labels' [B] int32 and, for DPAR, " +
    "'patch_lengths' [B, M] int32 or 'entropies' [B, T - 1]. A DPAR model with a boundary head " +
    "needs neither: patches then follow from the head's entropies and threshold. The output has 'logits' and 'loss', and " +
    "DPAR's intermediate states or the entropy model's 'entropies'. With --gradients, it also has 'grad.<parameter>'.\n\n" +
    "vq (tokenizer): the input has 'image' [B, 3, H, W] in -1..1. The output has 'latent', 'codes' [B, T] and " +
    "'decoded'.",
  options: {
    checkpoint: required(folder, 'model: folder with config.json and model.safetensors'),
    input: required(file, 'tokens or images, .safetensors'),
    output: required(outputFile, 'output: *.safetensors'),
    gradients: flag('also write the gradients of the loss with respect to all parameters'),
  },
  run: async ({ checkpoint, input, output, gradients }, context) => {
    if (/\.(png|npz|npy|json|jsonl)$/i.test(output)) {
      throw new UsageError(`--output: expected FILE.safetensors, got '${output}'.`);
    }
    const engine = await context.engine();
    const { kind: kindName } = await readCheckpointConfig(checkpoint);
    if (kindName === vqKind.name) {
      if (gradients) throw new UsageError('--gradients: expected a DPAR, LlamaGen or entropy model, got a tokenizer.');
      return vqForward(checkpoint, input, output, context);
    }
    const model = await loadModel(checkpoint, { onNote: (note) => context.note(`forward: ${note}`) });
    const { kind, parameters } = model;
    const nullClass = nullClassOf(model);
    const tensors = await readTensors(input);
    checkInputNames(Object.keys(tensors), input);
    const set = tokensFor(model, tensors, `'${input}'`);
    const { images } = sizeOfSet(set);
    if (nullClass !== undefined) {
      checkSameClasses(await readCheckpointClasses(checkpoint, nullClass), await readClassNames(input));
    }
    const begin = performance.now();
    const patches = await patchesOf(engine, model, tensors, set);
    const inputs = kind.inputs(model.config, { ...set, ...(patches && { patchLengths: patches }) });

    const unlabelled = set.labels.data.filter((label) => label === nullClass).length;
    if (unlabelled > 0) {
      context.note(`forward: ${countOf(unlabelled, 'image')} with label ${nullClass}, the null class`);
    }
    context.note(`forward: ${countOf(images, 'image')}, ${kind.name} model, ${engine.name}`);
    const names = kind.outputNames(model.config);
    const fn = gradients ? gradientFunction(model, Object.keys(names)) : outputFunction(model, Object.keys(names));
    const results = await engine.compile(fn).run({ ...parameters, ...inputs });
    const seconds = (performance.now() - begin) / 1000;
    context.signal.throwIfAborted();

    const written: Record<string, HostTensor> = patches ? patchTensors(model.config as DparConfig, patches) : {};
    for (const [name, tensor] of Object.entries(results)) written[names[name] ?? name] = tensor;
    const loss = Number(named(results, 'loss').data[0]);
    if (!Number.isFinite(loss)) {
      throw new DparError(
        `forward: expected a finite loss, got ${loss}. Check the weights in '${checkpoint}' and the entropies in '${input}'.`,
      );
    }
    written.loss = float32([1], [loss]);
    if (written.global) written.global = withLastPatch(written.global);
    await writeSafetensors(output, written);
    const shapes = Object.fromEntries(Object.entries(written).map(([name, { shape }]) => [name, shape]));
    return {
      data: { kind: kind.name, images, loss, seconds, engine: engine.name, output, tensors: shapes },
      text: `loss ${loss.toFixed(6)} nats per token; ${Object.keys(written).length} tensors written to ${output}`,
    };
  },
});

/** Refuses a tensor whose name looks like a misspelt missing one. Other tensors are ignored. */
function checkInputNames(names: readonly string[], input: string): void {
  const missing = ['tokens', 'labels', 'patch_lengths', 'entropies'].filter((name) => !names.includes(name));
  for (const name of names) {
    const meant = misspelt(name, missing);
    if (meant === undefined) continue;
    throw new DparError(
      `forward: expected tensors with the names of the input in '${input}', got unknown tensor '${name}'. Did you mean '${meant}'?`,
    );
  }
}

function outputFunction({ kind, config }: ImageArchitecture, names: readonly string[]): TensorFunction {
  return (ops, inputs) => {
    const outputs = kind.outputs(ops, config, inputs);
    return Object.fromEntries(names.map((name) => [name, named(outputs, name)]));
  };
}

/**
 * Patch lengths of the file, or else by the model's configuration; undefined for a model without patches. Without entropies
 * in the file, they are those of the model's boundary head.
 */
async function patchesOf(
  engine: Engine,
  model: ImageModel,
  tensors: Tensors<HostTensor>,
  set: TokenSet,
): Promise<PaddedPatches | undefined> {
  const { kind, config } = model;
  if (!kind.hasPatches) return undefined;
  const given = patchLengthsOf(model, tensors, sizeOfSet(set).images);
  if (given !== undefined) return given;
  const { boundaryHead } = config as DparConfig;
  if (boundaryHead === undefined || set.entropies !== undefined) return kind.patchLengths(config, set);
  const entropies = await entropiesOfSet(engine, model, set);
  return batchPatchLengths(entropies.data, sizeOfSet(set).images, boundaryPatching(config as DparConfig));
}

/** Patch lengths [B, M], and the rotary table of the global transformer: class token, then all M patches. */
function patchTensors(config: DparConfig, patches: PaddedPatches): Record<string, HostTensor> {
  const [B = 0, M = 0] = patches.shape;
  // The table leaves out the last patch, so it gets one more.
  const longer = new Int32Array(B * (M + 1));
  for (let b = 0; b < B; b++) longer.set(patches.data.subarray(b * M, (b + 1) * M), b * (M + 1));
  const { shape, data } = globalRotaryTable(config, { dtype: 'int32', shape: [B, M + 1], data: longer });
  return { patch_lengths: int32(patches.shape, patches.data), rope: float32(shape, data) };
}

/** Adds zeros for the last patch, which has no global state: [B, M, D] to [B, M + 1, D]. */
function withLastPatch({ shape, data }: HostTensor): HostTensor {
  const [B = 0, M = 0, D = 0] = shape;
  const longer = float32([B, M + 1, D]);
  for (let b = 0; b < B; b++) longer.data.set(data.subarray(b * M * D, (b + 1) * M * D), b * (M + 1) * D);
  return longer;
}

/**
 * Runs one pass of LlamaGen's tokenizer.
 * Reads `image` [B, 3, H, W]. Writes `latent` [B, D, h, w] (before quantisation), `codes` [B, T] and `decoded` [B, 3, H, W].
 * @throws CommandError if the input has no images.
 */
async function vqForward(checkpoint: string, input: string, output: string, context: Context): Promise<Result> {
  const { config, parameters } = await loadModel(checkpoint, { kinds: [vqKind] });
  const { image } = await readTensors(input);
  if (image?.dtype !== 'float32' || image.shape.length !== 4) {
    const got = image === undefined ? 'none' : formatType(image);
    throw new CommandError(
      `expected 'image' of type float32[B, 3, H, W] in '${input}', got ${got}. Pass another file.`,
    );
  }
  const engine = await context.engine();
  const [images = 0] = image.shape;
  context.note(`forward: ${countOf(images, 'image')}, vq tokenizer, ${engine.name}`);
  const begin = performance.now();
  const encoded = await engine.compile(vqKind.encodeFunction(config), { constants: parameters }).run({ image });
  context.signal.throwIfAborted();
  const [codes, latent] = [named(encoded, 'codes'), named(encoded, 'latent')];
  const [, , rows = 0, columns = 0] = latent.shape;
  const grid = { dtype: 'int32', shape: [images, rows, columns], data: Int32Array.from(codes.data) } as const;
  const decoder = engine.compile(vqKind.decodeFunction(config), { constants: parameters });
  const decoded = named(await decoder.run({ codes: grid }), 'image');
  const seconds = (performance.now() - begin) / 1000;
  context.signal.throwIfAborted();
  const written = { latent, codes, decoded };
  await writeSafetensors(output, written);
  const shapes = Object.fromEntries(Object.entries(written).map(([name, { shape }]) => [name, shape]));
  return {
    data: { kind: 'vq', images, seconds, engine: engine.name, output, tensors: shapes },
    text: `latent, codes and decoded of ${countOf(images, 'image')} written to ${output}`,
  };
}
