import { checkpointClasses } from '@dpar/checkpoint';
import { entropyKind } from '@dpar/entropy';
import { loadModel } from '@dpar/model/node';
import { type DescribedGraph, type Json, teacherForcedGraph } from '@dpar/nn';
import { stepGraphs } from '@dpar/sampler/onnx';
import { tokenizerGraphs, tokenizerKinds } from '@dpar/tokenizer';
import { UsageError } from '../command/errors.js';
import { readCheckpointConfig } from '../input-files.js';
import { weightsFile } from '../sample/generator.js';
import { type OnnxGraph, type WriteOptions, writeOnnxFile, writeOnnxFolder } from './write.js';

/** Settings of {@link exportOnnxCheckpoint}. */
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

/** Result of {@link exportOnnxCheckpoint}. */
export interface OnnxResult {
  readonly kind: string;
  readonly graphs: readonly DescribedGraph[];
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
    throw new UsageError(
      '--entropy-checkpoint: expected --decode, got none. Pass --decode, or export the entropy model separately.',
    );
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
  /** True for one graph in its own file. */
  readonly single: boolean;
}

async function graphsOf({ checkpoint, decode, average, entropyCheckpoint }: OnnxExport): Promise<Graphs> {
  const config = await readCheckpointConfig(checkpoint);
  if (tokenizerKinds.some(({ name }) => name === config.kind)) {
    if (decode)
      throw new UsageError(
        `--decode: expected a model that generates, got a tokenizer in '${checkpoint}'. Leave --decode out.`,
      );
    const model = await loadModel(checkpoint, { kinds: tokenizerKinds });
    return { kind: model.kind.name, graphs: withConfig(config, tokenizerGraphs(model)), single: false };
  }
  const model = await loadModel(checkpoint, { weights: weightsFile(average) });
  const kind = model.kind.name;
  if (!decode)
    return { kind, graphs: await withClasses(checkpoint, config, [teacherForcedGraph(model)]), single: true };
  const steps = await withClasses(checkpoint, config, stepGraphs(model));
  if (entropyCheckpoint === undefined) return { kind, graphs: steps, single: false };
  if (!model.kind.hasPatches) {
    throw new UsageError(`--entropy-checkpoint: expected a DPAR model, got one of kind '${kind}'.`);
  }
  const entropyModel = await loadModel(entropyCheckpoint, { kinds: [entropyKind] });
  const entropySteps = withConfig(await readCheckpointConfig(entropyCheckpoint), stepGraphs(entropyModel));
  return { kind, graphs: [...steps, ...entropySteps], single: false };
}

const withConfig = (config: Json, graphs: readonly DescribedGraph[]): DescribedGraph[] =>
  graphs.map((graph) => ({ ...graph, config }));

/** Adds the names of the checkpoint's classes to graphs, if they are known. */
async function withClasses(checkpoint: string, config: Json, graphs: readonly DescribedGraph[]): Promise<OnnxGraph[]> {
  const classes = await checkpointClasses(checkpoint, config);
  return graphs.map((graph) => ({ ...graph, config, ...(classes && { classes: classes.names }) }));
}
