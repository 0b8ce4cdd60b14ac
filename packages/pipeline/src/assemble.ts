import type { KindsOf } from '@dpar/check';
import { createOrtEngine, type OrtEngineOptions } from '@dpar/engine-ort';
import { boundaryPatching, patchingOptions } from '@dpar/model';
import type { ImageModel } from '@dpar/nn';
import { createSampler, needsEntropyModel, type SamplerOptions } from '@dpar/sampler';
import { DparError, type Engine } from '@dpar/tensor';
import { createTokenizer, type TokenizerModel } from '@dpar/tokenizer';
import { ImageDecoder } from './decoder.js';
import { classesOf } from './draw-options.js';
import type { EntropyMap } from './entropy-map.js';
import type { Images } from './images.js';
import { type EntropyPrediction, type Environment, LoadedPipeline } from './loaded-pipeline.js';
import { type ModelParts, type ModelSource, type PartName, readParts } from './model-parts.js';
import type { Pipeline } from './pipeline.js';

/** Progress of loading, in bytes of weights. */
export interface LoadProgress {
  /** In bytes. */
  readonly loaded: number;
  /** Undefined while it is unknown, as of files whose server sends no lengths. */
  readonly total: number | undefined;
}

/** Settings of a pipeline. */
export interface PipelineOptions
  extends Pick<OrtEngineOptions, 'device' | 'threads' | 'wasmPaths'>,
    Pick<SamplerOptions, 'weights' | 'entropyWeights'> {
  /** Model that draws (default: `dpar` if it is there, else `llamagen`). */
  readonly model?: 'dpar' | 'llamagen' | undefined;
  /** Engine that runs the models. Default: one on ONNX Runtime with the given `device` and `threads`. */
  readonly engine?: Engine | undefined;
  /** Stops loading. */
  readonly signal?: AbortSignal | undefined;
  /** Called as weights are read. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** Kinds of {@link PipelineOptions}. */
export const pipelineOptionsKinds: KindsOf<PipelineOptions> = {
  'model?': "'dpar' | 'llamagen'",
  'engine?': 'Engine',
  'device?': "'cpu' | 'webgpu' | 'cuda'",
  'threads?': 'number',
  'wasmPaths?': { mjs: 'string | object', wasm: 'string | object', '*': 'any' },
  'weights?': "'float32' | 'int8' | 'int4'",
  'entropyWeights?': "'float32' | 'int8' | 'int4'",
  'signal?': 'AbortSignal',
  'onProgress?': 'function',
};

/**
 * Loads the models of a folder, and makes a pipeline of them.
 * @param caller Function that errors name.
 * @throws DparError if a part is missing or does not fit; the signal's reason when it is aborted.
 */
export async function assemblePipeline<R extends Images, M extends EntropyMap, S>(
  caller: string,
  source: ModelSource,
  options: PipelineOptions,
  environment: Environment<R, M, S>,
): Promise<Pipeline<R, M, S>> {
  const { signal, weights, entropyWeights, engine: given } = options;
  signal?.throwIfAborted();
  checkEngineOptions(caller, options);
  const parts = await readParts(caller, source);
  const kind = options.model ?? (parts.dpar === undefined ? 'llamagen' : 'dpar');
  const names = neededParts(caller, source.place, parts, kind);
  const engine = given ?? (await createOrtEngine(engineOptions(options)));
  try {
    const [tokenizer, model, entropyModel] = await readModels(source, names, options);
    const formats = { ...(weights && { weights }), ...(entropyWeights && { entropyWeights }) };
    const generating = model as ImageModel;
    const read = createTokenizer(engine, tokenizer as TokenizerModel);
    return new LoadedPipeline({
      kind,
      engine,
      ownsEngine: given === undefined,
      sampler: createSampler(engine, generating, { ...formats, entropyModel: entropyModel as ImageModel | undefined }),
      tokenizer: read,
      decoder: new ImageDecoder(read, generating.config.blockSize),
      classes: classesOf(generating.config, parts.classes, source.place),
      gridSize: parts.gridSize,
      predictor: () => predictorOf(source, parts, { [kind]: generating, entropy: entropyModel as ImageModel }),
      environment,
    });
  } catch (error) {
    if (given === undefined) await engine.dispose();
    throw error;
  }
}

function engineOptions({ device, threads, wasmPaths }: PipelineOptions): OrtEngineOptions {
  return { ...(device && { device }), ...(threads !== undefined && { threads }), ...(wasmPaths && { wasmPaths }) };
}

/** @throws DparError for settings of the own engine beside a given one. */
function checkEngineOptions(caller: string, { engine, device, threads, wasmPaths }: PipelineOptions): void {
  if (engine === undefined) return;
  const [setting] = Object.entries({ device, threads, wasmPaths }).filter(([, value]) => value !== undefined);
  if (setting === undefined) return;
  const [name, value] = setting;
  throw new DparError(
    `${caller}: expected no '${name}' beside 'engine', got ${name === 'wasmPaths' ? 'some' : value}. Pass it to the engine.`,
  );
}

/** Parts that drawing needs: tokenizer, the model, and the entropy model if its patches depend on one. */
function neededParts(caller: string, place: string, parts: ModelParts, kind: 'dpar' | 'llamagen'): readonly PartName[] {
  const part = parts[kind];
  if (part === undefined) {
    const other = kind === 'dpar' ? 'llamagen' : 'dpar';
    throw new DparError(
      `${caller}: expected the model ${kind} in '${place}', got only ${other}. Pass { model: '${other}' }, or leave it out.`,
    );
  }
  if (!needsEntropyModel(part as never)) return ['tokenizer', kind];
  if (parts.entropy !== undefined) return ['tokenizer', kind, 'entropy'];
  throw new DparError(
    `${caller}: expected an entropy model, or a DPAR model with a boundary head, in '${place}', whose patches depend on ` +
      'entropies, got neither. Add the checkpoint of the entropy model as entropy/, or train a boundary head.',
  );
}

/** Reads the weights of some parts together, and reports their bytes. */
async function readModels(
  source: ModelSource,
  names: readonly PartName[],
  { signal, onProgress }: PipelineOptions,
): Promise<unknown[]> {
  const progress = new Map<PartName, LoadProgress>(names.map((name) => [name, { loaded: 0, total: undefined }]));
  const sum = (values: readonly (number | undefined)[]): number | undefined =>
    values.includes(undefined) ? undefined : (values as number[]).reduce((a, b) => a + b, 0);
  return Promise.all(
    names.map((name) =>
      source.readModel(name, {
        signal,
        onProgress: (part) => {
          progress.set(name, part);
          const all = [...progress.values()];
          onProgress?.({
            loaded: sum(all.map(({ loaded }) => loaded)) ?? 0,
            total: sum(all.map(({ total }) => total)),
          });
        },
      }),
    ),
  );
}

/** The model that predicts the entropies that DPAR draws with, or else any that is there. */
async function predictorOf(
  source: ModelSource,
  parts: ModelParts,
  loaded: Readonly<Partial<Record<PartName, ImageModel>>>,
): Promise<EntropyPrediction> {
  const { dpar, entropy } = parts;
  const patched = dpar?.kind.needsEntropies(dpar.config) ? dpar.config : undefined;
  const read = async (name: 'dpar' | 'entropy'): Promise<ImageModel> =>
    loaded[name] ?? ((await source.readModel(name, {})) as ImageModel);
  if (patched?.boundaryHead !== undefined) return { model: await read('dpar'), patching: boundaryPatching(patched) };
  if (entropy !== undefined) return { model: await read('entropy'), patching: patched && patchingOptions(patched) };
  throw new DparError(
    `entropyMap: expected an entropy model, or a DPAR model with a boundary head, in '${source.place}', got neither. ` +
      'Add the checkpoint of an entropy model as entropy/.',
  );
}
