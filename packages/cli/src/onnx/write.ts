import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { exportOnnxParts, type OnnxParts } from '@dpar/engine-ort';
import {
  checkpointFiles,
  classesFile,
  recoverFiles,
  writeClassNames,
  writeFilesAtomic,
  writeFolderAtomic,
  writeJson,
} from '@dpar/io/node';
import { type DescribedGraph, signatureOf } from '@dpar/nn';
import type { WeightFormat } from '@dpar/tensor';
import { classesKey } from '@dpar/train/node';
import { CommandError, UsageError } from '../command/errors.js';
import { version } from '../machine.js';

/** Settings of ONNX files. */
export interface WriteOptions {
  readonly weights: WeightFormat;
  /** Standard operators only. */
  readonly portable: boolean;
  /** Weights in a file of their own, even where they would fit into the model. */
  readonly externalData: boolean;
}

/** A graph to write. */
export interface OnnxGraph extends DescribedGraph {
  /** Names of the model's classes, in order, if they are known. */
  readonly classes?: readonly string[];
}

/** Shape and meaning of each input or output, by name, as JSON. */
type Interface = Readonly<Record<string, unknown>>;

/** Inputs and outputs of a graph, for programs that read the file's metadata. */
export function interfaceOf({ inputs, outputs }: DescribedGraph): { inputs: Interface; outputs: Interface } {
  return { inputs, outputs };
}

function partsOf(graph: OnnxGraph, dataFile: string, { weights, portable, externalData }: WriteOptions): OnnxParts {
  const { types, dynamicAxes } = signatureOf(graph);
  const { inputs, outputs } = interfaceOf(graph);
  const meanings = Object.entries(graph.inputs).map(([name, { meaning }]) => [name, meaning] as const);
  return exportOnnxParts(graph.fn, types, {
    name: graph.name,
    constants: graph.parameters,
    dynamicAxes,
    weights,
    portable,
    dataFile,
    external: externalData ? 'always' : 'large',
    documentation: { ...Object.fromEntries(meanings), ...graph.outputs },
    metadata: {
      producerVersion: version,
      documentation: graph.description,
      properties: {
        kind: String(graph.config.kind),
        graph: graph.name,
        config: JSON.stringify(graph.config),
        inputs: JSON.stringify(inputs),
        outputs: JSON.stringify(outputs),
        ...(graph.classes && { [classesKey]: JSON.stringify(graph.classes) }),
        weights,
        operators: portable ? 'standard' : 'onnxruntime',
      },
    },
  });
}

/**
 * Writes one graph to a file atomically. Its weights go into `FILE.data` beside it if they are large or `externalData`
 * is set. @returns The files.
 */
export async function writeOnnxFile(graph: OnnxGraph, path: string, options: WriteOptions): Promise<string[]> {
  const dataPath = `${path}.data`;
  const { model, data } = partsOf(graph, basename(dataPath), options);
  const files = [...(data.length > 0 ? [{ path: dataPath, content: data }] : []), { path, content: model }];
  await recoverFiles([dataPath]);
  await writeFilesAtomic(files);
  return files.map((file) => file.path);
}

/**
 * Writes graphs, each to a file of its name, config.json, and classes.json if names of classes are known, to a folder atomically.
 * @throws CommandError if there is a folder that holds other things. @returns The files.
 */
export async function writeOnnxFolder(
  graphs: readonly OnnxGraph[],
  folder: string,
  options: WriteOptions,
): Promise<string[]> {
  await refuseOtherFolder(folder);
  const names: string[] = [];
  await writeFolderAtomic(folder, async (partial) => {
    for (const graph of graphs) {
      const written = await writeOnnxFile(graph, join(partial, `${graph.name}.onnx`), options);
      names.push(...written.map((path) => basename(path)));
    }
    await writeJson(join(partial, checkpointFiles.config), graphs[0]?.config);
    names.push(checkpointFiles.config);
    const classes = graphs.find((graph) => graph.classes !== undefined)?.classes;
    if (classes === undefined) return;
    await writeClassNames(partial, classes);
    names.push(classesFile);
  });
  return names.map((name) => join(folder, name));
}

/** A folder is replaced with all that it holds: this must be an older export. */
async function refuseOtherFolder(folder: string): Promise<void> {
  let names: string[] = [];
  try {
    names = await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') throw new UsageError(`--output: expected a folder, got the file '${folder}'.`);
    if (code !== 'ENOENT') throw error;
  }
  const other = names.find(
    (name) => name !== checkpointFiles.config && name !== classesFile && !/\.onnx(\.data)?$/.test(name),
  );
  if (other === undefined) return;
  throw new CommandError(
    `expected a new folder or one of an earlier export at '${folder}', got one that holds '${other}'. Choose another folder.`,
  );
}
