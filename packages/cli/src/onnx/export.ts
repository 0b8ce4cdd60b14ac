import { openCheckpoint, readCheckpoint } from '@dpar/io/node';
import { UsageError } from '../command/errors.js';
import { loadModel } from '../model.js';
import { dparStepGraphs } from './dpar-steps.js';
import { entropyStepGraph, llamaGenStepGraph } from './gpt-step.js';
import type { OnnxGraph } from './graph.js';
import { teacherForcedGraph } from './teacher-forced.js';
import { tokenizerGraphs } from './tokenizer.js';
import { type WriteOptions, writeOnnxFile, writeOnnxFolder } from './write.js';

/** What becomes ONNX files. */
export interface OnnxExport extends WriteOptions {
  readonly checkpoint: string;
  readonly output: string;
  /** Steps with cached keys and values in place of the teacher-forced pass. */
  readonly decode: boolean;
  /** The moving average of the model's weights. */
  readonly average: boolean;
  /** Entropy model whose step comes along. */
  readonly entropyCheckpoint?: string | undefined;
}

/** What was written. */
export interface OnnxResult {
  readonly kind: string;
  readonly graphs: readonly OnnxGraph[];
  readonly files: readonly string[];
}

/**
 * Writes a checkpoint as ONNX: the teacher-forced pass of a model to a file; its cached steps, or a tokenizer, to a folder.
 * @throws UsageError for options that do not go together.
 */
export async function exportOnnxCheckpoint(options: OnnxExport): Promise<OnnxResult> {
  const { output, decode, entropyCheckpoint, portable, weights } = options;
  if (portable && weights !== 'float32') {
    throw new UsageError(
      `--portable: expected --weights float32, got ${weights}, which needs ONNX Runtime's operators.`,
    );
  }
  if (entropyCheckpoint !== undefined && !decode) {
    throw new UsageError('--entropy-checkpoint: expected --decode, got none. Export the entropy model by itself.');
  }
  const { graphs, kind, single } = await graphsOf(options);
  const isFile = /\.onnx$/i.test(output);
  if (single && !isFile) throw new UsageError(`--output: expected a FILE.onnx for this model, got '${output}'.`);
  if (!single && isFile) {
    const several = graphs.map(({ name }) => `${name}.onnx`).join(', ');
    throw new UsageError(`--output: expected a folder for ${several}, got '${output}'.`);
  }
  const files = single
    ? await writeOnnxFile(graphs[0] as OnnxGraph, output, options)
    : await writeOnnxFolder(graphs, output, options);
  return { kind, graphs, files };
}

interface Graphs {
  readonly kind: string;
  readonly graphs: readonly OnnxGraph[];
  /** Whether it is one graph in a file of its own. */
  readonly single: boolean;
}

async function graphsOf({ checkpoint, decode, average, entropyCheckpoint }: OnnxExport): Promise<Graphs> {
  const tokenizer = await tokenizerOf(checkpoint);
  if (tokenizer) {
    if (decode) throw new UsageError('--decode: expected a model, got a tokenizer, which has no such steps.');
    return { ...tokenizer, single: false };
  }
  const loaded = await loadModel(checkpoint, undefined, average);
  const { kind } = loaded.model;
  if (!decode) return { kind, graphs: [teacherForcedGraph(loaded)], single: true };
  if (entropyCheckpoint !== undefined && kind !== 'dpar') {
    throw new UsageError(`--entropy-checkpoint: expected a DPAR model, got one of kind '${kind}'.`);
  }
  if (kind === 'llamagen') return { kind, graphs: [llamaGenStepGraph(loaded)], single: false };
  if (kind === 'entropy') return { kind, graphs: [entropyStepGraph(loaded)], single: false };
  const entropy = entropyCheckpoint === undefined ? undefined : await loadModel(entropyCheckpoint, ['entropy']);
  const graphs = [...dparStepGraphs(loaded), ...(entropy ? [entropyStepGraph(entropy)] : [])];
  return { kind, graphs, single: false };
}

/** The graphs of a checkpoint of a tokenizer; undefined if it is none. */
async function tokenizerOf(checkpoint: string): Promise<Omit<Graphs, 'single'> | undefined> {
  const { config, parameters } = await openCheckpoint(checkpoint);
  await parameters.close();
  if (config.kind !== 'vq' && config.kind !== 'patch-vq') return undefined;
  return { kind: config.kind, graphs: tokenizerGraphs(config, (await readCheckpoint(checkpoint)).parameters) };
}
