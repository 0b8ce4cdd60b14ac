import { misspelt } from '@dpar/check';
import { openCheckpoint, writeSafetensors } from '@dpar/io/node';
import { type DparConfig, globalRotaryTable } from '@dpar/model';
import { loadModel } from '@dpar/model/node';
import { type ImageArchitecture, nullClassOf } from '@dpar/nn';
import type { PaddedPatches } from '@dpar/patchify';
import { DparError, float32, type HostTensor, int32, named, type TensorFunction, type Tensors } from '@dpar/tensor';
import { vqKind } from '@dpar/tokenizer';
import { gradientFunction, sizeOfSet, type TokenSet } from '@dpar/train';
import { checkSameClasses, readCheckpointClasses, readClassNames } from '@dpar/train/node';
import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { file, flag, folder, outputFile, required } from '../options.js';
import { countOf } from '../table.js';
import { patchLengthsOf, readTensors, tokensFor } from '../tokens.js';
import { vqForward } from '../vq-forward.js';

export const forward = defineCommand({
  name: 'forward',
  summary: 'one teacher-forced pass of a model: logits and loss, with gradients if wanted; or of a tokenizer',
  details:
    "The checkpoint's config.json says what the model is: 'kind' dpar, llamagen or entropy. The input has 'tokens' [B, T] " +
    "int32, 'labels' [B] int32 and, for DPAR, 'patch_lengths' [B, M] int32 or 'entropies' [B, T - 1]. The output has 'logits', " +
    "'loss', an entropy model's 'entropies', DPAR's intermediate states and, with --gradients, 'grad.<parameter>'. A " +
    "tokenizer (vq) reads 'image' [B, 3, H, W] in -1..1 and writes 'latent', 'codes' [B, T] and 'decoded'.",
  options: {
    checkpoint: required(folder, 'config.json and model.safetensors'),
    input: required(file, 'tokens or image, safetensors'),
    output: required(outputFile, 'where to write the results, safetensors'),
    gradients: flag('writes the gradients of the loss by all parameters too'),
  },
  run: async ({ checkpoint, input, output, gradients }, context) => {
    if (/\.(png|npz|npy|json|jsonl)$/i.test(output)) {
      throw new UsageError(`forward: expected an --output FILE.safetensors, got '${output}'.`);
    }
    const engine = await context.engine();
    if ((await kindOf(checkpoint)) === vqKind.name) {
      if (gradients) throw new UsageError('--gradients: expected a model that is trained here, got a tokenizer.');
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
    const patches = patchesOf(model, tensors, set);
    const inputs = kind.inputs(model.config, { ...set, ...(patches && { patchLengths: patches }) });

    const unlabelled = set.labels.data.filter((label) => label === nullClass).length;
    if (unlabelled > 0) {
      context.note(`forward: label ${nullClass} is the null class: ${countOf(unlabelled, 'image')} without a class`);
    }
    context.note(`forward: ${countOf(images, 'image')}, ${kind.name} model, ${engine.name}`);
    const names = kind.outputNames;
    const fn = gradients ? gradientFunction(model, Object.keys(names)) : outputFunction(model, Object.keys(names));
    const begin = performance.now();
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

/** Refuses a tensor whose name is a slip of the pen for one that is missing. Others that nobody asked for may be there. */
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

/** What a checkpoint is of. */
async function kindOf(folder: string): Promise<unknown> {
  const { config, parameters } = await openCheckpoint(folder);
  await parameters.close();
  return config.kind;
}

function outputFunction({ kind, config }: ImageArchitecture, names: readonly string[]): TensorFunction {
  return (ops, inputs) => {
    const outputs = kind.outputs(ops, config, inputs);
    return Object.fromEntries(names.map((name) => [name, named(outputs, name)]));
  };
}

/** The patches that the file has, or those that the model makes of the entropies; undefined for a model without patches. */
function patchesOf(model: ImageArchitecture, tensors: Tensors<HostTensor>, set: TokenSet): PaddedPatches | undefined {
  const { kind, config } = model;
  if (!kind.hasPatches) return undefined;
  return patchLengthsOf(model, tensors, sizeOfSet(set).images) ?? kind.patchLengths(config, set);
}

/** Patch lengths, and the rotary table of the global transformer: class token, then all M patches. */
function patchTensors(config: DparConfig, patches: PaddedPatches): Record<string, HostTensor> {
  const [B = 0, M = 0] = patches.shape;
  // The table leaves the last patch out, which here is one more than there are.
  const longer = new Int32Array(B * (M + 1));
  for (let b = 0; b < B; b++) longer.set(patches.data.subarray(b * M, (b + 1) * M), b * (M + 1));
  const { shape, data } = globalRotaryTable(config, { dtype: 'int32', shape: [B, M + 1], data: longer });
  return { patch_lengths: int32(patches.shape, patches.data), rope: float32(shape, data) };
}

/** Global states [B, M, D] of the class token and all patches but the last as [B, 1 + M, D]: the last, unused one is 0. */
function withLastPatch({ shape, data }: HostTensor): HostTensor {
  const [B = 0, M = 0, D = 0] = shape;
  const longer = float32([B, M + 1, D]);
  for (let b = 0; b < B; b++) longer.data.set(data.subarray(b * M * D, (b + 1) * M * D), b * (M + 1) * D);
  return longer;
}
