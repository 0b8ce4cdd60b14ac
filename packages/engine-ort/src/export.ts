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
import type { OnnxMetadata, OnnxModel } from './onnx/model.js';
import { onnxMetadataKinds } from './onnx/model.js';
import { type ExternalData, encodeModel, type ModelParts, modelParts } from './onnx/writer.js';

/** How a function becomes an ONNX model. */
export interface ExportOptions {
  /** Inputs that become part of the model: its weights. */
  readonly constants?: Tensors<HostTensor>;
  /**
   * Standard ONNX operators only, so that any runtime reads the model. By default some operators of ONNX Runtime are
   * used, which are quicker there.
   */
  readonly portable?: boolean;
  /** Name of the graph. */
  readonly name?: string;
  /** Axes of inputs that stay open, by input and axis: their names. */
  readonly dynamicAxes?: DynamicAxes;
  /** Format of constant matrices of products (default: float32). Others need ONNX Runtime's operators. */
  readonly weights?: WeightFormat;
  /** What the file says of itself. */
  readonly metadata?: OnnxMetadata;
  /** What it says of inputs and outputs, by the names that they have in the function. */
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

/** Where {@link exportOnnxParts} puts the data of large tensors. */
export interface DataFileOptions {
  /** Name of the file beside the model that takes them. */
  readonly dataFile: string;
  /** `always`, or `large`: only if the model has more than the 2 GiB of the format, which is the default. */
  readonly external?: 'always' | 'large';
}

/** An ONNX model in pieces, ready to be written one after the other; the weights among them are views, not copies. */
export interface OnnxParts {
  /** The pieces of the model's file. */
  readonly model: readonly Uint8Array[];
  /** The pieces of the data file; none if there is nothing outside the model. */
  readonly data: readonly Uint8Array[];
}

/**
 * Writes a function as an ordinary .onnx model (operator set 20) in memory.
 * @param inputTypes Types of the inputs by name, any size at open axes; the other inputs are in `constants`.
 * All of them are inputs of the model, also those that the function does not read.
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

/** As {@link exportOnnx}, in pieces, and for models of any size. @throws DparError as exportOnnx does. */
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
      options: {
        ...exportOptionsKinds,
        dataFile: 'string',
        'external?': "'always' | 'large'",
      },
    },
  );
  const { dataFile, external = 'large', ...settings } = options;
  const model = modelOf(fn, inputTypes, settings);
  const size = model.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
  const outside = external === 'always' || size > largestInside;
  const { chunks, externalData }: ModelParts = modelParts(model, outside ? { largest: externalBytes, dataFile } : {});
  return { model: chunks, data: padded(externalData) };
}

/** Weights up to this many bytes fit into a file with what else is in it; the format ends at 2 GiB. */
const largestInside = 2 ** 31 - 2 ** 26;
/** Tensors up to this many bytes stay in the model: shapes and the like, which runtimes want to see while they optimise. */
const externalBytes = 1024;

function modelOf(fn: TensorFunction, inputTypes: Tensors<TensorType>, options: ExportOptions): OnnxModel {
  const { constants = {}, portable = false, weights = 'float32', name = fn.name || 'function' } = options;
  const { dynamicAxes = {}, metadata, documentation = {} } = options;
  if (portable && weights !== 'float32') {
    throw new DparError(
      `exportOnnx: expected weights of float32 in a portable model, got ${weights}, which needs an operator of ONNX Runtime. ` +
        'Leave out one of the two.',
    );
  }
  checkCompileOptions({ constants, weights });
  const dynamic = new DynamicSizes(
    new Map(Object.values(dynamicAxes).flatMap((axes) => Object.values(axes).map((axis) => [axis, manyRows]))),
  );
  const traced = trace(fn, openTypes(inputTypes, dynamicAxes, dynamic), { constants, dynamic });
  const { model, outputNames } = lower(traced, { name, portable, weights, allInputs: true });
  const meaning = new Map(Object.entries(outputNames).map(([output, graphName]) => [graphName, documentation[output]]));
  const documented = <V extends { readonly name: string }>(
    values: readonly V[],
    of: (name: string) => string | undefined,
  ) =>
    values.map((value) => ({
      ...value,
      ...(of(value.name) !== undefined && { documentation: of(value.name) as string }),
    }));
  return {
    ...model,
    ...(metadata && { metadata }),
    inputs: documented(model.inputs, (input) => documentation[input]),
    outputs: documented(model.outputs, (output) => meaning.get(output)),
  };
}

/** What open sizes are taken for where the number of rows matters. */
const manyRows = 256;

/** The data one after the other, zeros between them so that each begins at its offset. */
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
