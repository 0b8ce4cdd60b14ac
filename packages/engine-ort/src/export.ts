import type { KindsOf } from '@dpar/check';
import {
  checkCompileOptions,
  DparError,
  type DynamicAxes,
  type HostTensor,
  type TensorFunction,
  type Tensors,
  type TensorType,
  type WeightFormat,
} from '@dpar/tensor';
import { checkArguments } from './check-arguments.js';
import { DynamicSizes, openTypes } from './graph/dynamic-sizes.js';
import { trace } from './graph/trace.js';
import { lower } from './lower.js';
import { type OnnxMetadata, type OnnxModel, type OnnxValue, onnxMetadataKinds } from './onnx/model.js';
import { type ExternalData, encodeModel, type ModelParts, modelParts } from './onnx/writer.js';

/** Options of {@link exportOnnx}. */
export interface ExportOptions {
  /** Inputs that become part of the model, such as weights. */
  readonly constants?: Tensors<HostTensor>;
  /**
   * Uses standard ONNX operators only, which any runtime reads (default: false). Otherwise the model has some operators of
   * ONNX Runtime, which are faster there.
   */
  readonly portable?: boolean;
  /** Name of the graph. */
  readonly name?: string;
  /** Names of open axes, by input and axis. */
  readonly dynamicAxes?: DynamicAxes;
  /** Format of constant matrices of products (default: float32). Others need ONNX Runtime's operators. */
  readonly weights?: WeightFormat;
  /** Metadata of the file. */
  readonly metadata?: OnnxMetadata;
  /** Documentation of inputs and outputs, by their names in the function. */
  readonly documentation?: Readonly<Record<string, string>>;
}

const exportOptionsKinds: KindsOf<ExportOptions> = {
  'constants?': 'object',
  'portable?': 'boolean',
  'name?': 'string',
  'dynamicAxes?': 'object',
  'weights?': "'float32' | 'int8' | 'int4'",
  'metadata?': onnxMetadataKinds,
  'documentation?': 'object',
};

/** Place for the data of large tensors, see {@link exportOnnxParts}. */
export interface DataFileOptions {
  /** Name of the data file, beside the model. */
  readonly dataFile: string;
  /** `always`, or `large` (default): only if the model exceeds the 2 GiB of the format. */
  readonly external?: 'always' | 'large';
}

/** ONNX model in pieces, to be written one after the other. Weights are views, not copies. */
export interface OnnxParts {
  /** Pieces of the model's file. */
  readonly model: readonly Uint8Array[];
  /** Pieces of the data file; empty if nothing lies outside the model. */
  readonly data: readonly Uint8Array[];
}

/**
 * Encodes a function as an ordinary .onnx model (operator set 20) in memory.
 * @param inputTypes Types of the inputs by name, with any size at open axes. All become inputs of the model, including
 * unread ones. The other inputs of the function are in `constants`.
 * @returns The bytes of the file. An output with the name of an input is called `name.out`.
 * @throws DparError for shapes that do not fit, and for more than 2 GiB.
 */
export function exportOnnx(
  fn: TensorFunction,
  inputTypes: Tensors<TensorType>,
  options: ExportOptions = {},
): Uint8Array<ArrayBuffer> {
  checkArguments(
    'exportOnnx',
    { fn, inputTypes, options },
    { fn: 'function', inputTypes: 'object', 'options?': exportOptionsKinds },
  );

  return encodeModel(modelOf(fn, inputTypes, options)).bytes;
}

/** {@link exportOnnx} in pieces, for models of any size. @throws DparError for shapes that do not fit. */
export function exportOnnxParts(
  fn: TensorFunction,
  inputTypes: Tensors<TensorType>,
  options: ExportOptions & DataFileOptions,
): OnnxParts {
  checkArguments(
    'exportOnnxParts',
    { fn, inputTypes, options },
    {
      fn: 'function',
      inputTypes: 'object',
      options: { ...exportOptionsKinds, dataFile: 'string', 'external?': "'always' | 'large'" },
    },
  );
  const { dataFile, external = 'large', ...settings } = options;
  const model = modelOf(fn, inputTypes, settings);
  const size = model.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
  const outside = external === 'always' || size > largestInside;
  const { chunks, externalData }: ModelParts = modelParts(model, outside ? { largest: externalBytes, dataFile } : {});
  return { model: chunks, data: padded(externalData) };
}

/** Limit in bytes for weights inside the model. The rest of the 2 GiB is for everything else. */
const largestInside = 2 ** 31 - 2 ** 26;
/** Limit in bytes for tensors that always stay in the model, such as shapes, which runtimes read while they optimise. */
const externalBytes = 1024;

function modelOf(fn: TensorFunction, inputTypes: Tensors<TensorType>, options: ExportOptions): OnnxModel {
  const { constants = {}, portable = false, weights = 'float32', name = fn.name || 'function' } = options;
  const { dynamicAxes = {}, metadata, documentation = {} } = options;
  if (portable && weights !== 'float32') {
    throw new DparError(
      `exportOnnx: expected float32 weights in a portable model, got ${weights}. ` +
        "Leave out 'portable' or 'weights': quantised products need an operator of ONNX Runtime.",
    );
  }
  checkCompileOptions({ constants, weights });
  const dynamic = new DynamicSizes(
    new Map(Object.values(dynamicAxes).flatMap((axes) => Object.values(axes).map((axis) => [axis, manyRows]))),
  );
  const traced = trace(fn, openTypes(inputTypes, dynamicAxes, dynamic), { constants, dynamic });
  const { model, outputNames } = lower(traced, { name, portable, weights, allInputs: true });
  const ofOutputs = Object.entries(outputNames).map(([output, graphName]) => [graphName, documentation[output]]);
  const inputs = documented(model.inputs, documentation);
  const outputs = documented(model.outputs, Object.fromEntries(ofOutputs));
  return { ...model, metadata, inputs, outputs };
}

/** Values with their documentation, by name. */
function documented(values: readonly OnnxValue[], documentation: Readonly<Record<string, string>>): OnnxValue[] {
  return values.map((value) => ({ ...value, documentation: documentation[value.name] }));
}

/** Number of rows that stands for open sizes. */
const manyRows = 256;

/** The data one after the other, padded with zeros up to each offset. */
function padded(parts: readonly ExternalData[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let end = 0;
  for (const { offset, data } of parts) {
    if (offset > end) chunks.push(new Uint8Array(offset - end));
    chunks.push(data);
    end = offset + data.length;
  }
  return chunks;
}
