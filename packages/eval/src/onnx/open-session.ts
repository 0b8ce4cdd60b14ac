import { formatOf } from '@dpar/io';
import { DparError } from '@dpar/tensor';
import type { OnnxRuntime, OnnxSession, OnnxTensor } from './session.js';

/** Characters of an invalid file that an error shows. */
const shownCharacters = 40;

/**
 * Opens a session of a model.
 * @param model Bytes of the file, or in Node its path.
 * @param beginning The file or its first bytes, for error messages.
 * @param path Path of the file in error messages, if it has one.
 * @throws DparError if ONNX Runtime refuses it.
 */
export async function openSession<T extends OnnxTensor>(
  ort: OnnxRuntime<T>,
  model: Uint8Array | string,
  beginning: Uint8Array,
  options: object | undefined,
  path?: string,
): Promise<OnnxSession<T>> {
  // Errors are thrown, so ONNX Runtime need not print them.
  const quiet = { logSeverityLevel: 4, ...options };
  try {
    const { InferenceSession } = ort;
    return await (typeof model === 'string'
      ? InferenceSession.create(model, quiet)
      : InferenceSession.create(model, quiet));
  } catch (cause) {
    const [caller, place] = path === undefined ? ['createOnnxNetwork', ''] : ['openOnnxModel', ` in '${path}'`];
    throw new DparError(
      `${caller}: expected a model that ONNX Runtime accepts${place}, got: ${reasonOf(cause, model, beginning)}`,
      { cause },
    );
  }
}

function reasonOf(cause: unknown, model: Uint8Array | string, beginning: Uint8Array): string {
  const reason = describeFailure(cause);
  if (/protobuf parsing failed|No graph was found/i.test(reason)) {
    const format = formatOf(beginning);
    if (format !== undefined) return `${format.what}. ${format.remedy}`;
    const text = new TextDecoder().decode(beginning.subarray(0, shownCharacters)).replaceAll(/[^\x20-\x7e]+/g, '?');
    return `a file that is not an ONNX model and begins with '${text}'. Download or export it again.`;
  }
  if (/^Unsupported data type: 16/.test(reason)) {
    return 'inputs or outputs of bfloat16, which ONNX Runtime does not support in JavaScript. Export the network in float32.';
  }
  if (typeof model !== 'string' && /external|file_?size|GetFileLength|model_path|data location/i.test(reason)) {
    return (
      `a model with weights in other files (${reason}). In Node open it with openOnnxModel of @dpar/eval/node. ` +
      "In browsers pass a session that was opened with 'externalData'."
    );
  }
  return `${reason}. Export the network again, with operators and an opset that this version of ONNX Runtime supports.`;
}

/**
 * Message of a failure of ONNX Runtime in one line, without error codes, source locations and build paths.
 */
export function describeFailure(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\[ONNXRuntimeError\] : \d+ : \w+ : /g, '')
    .replaceAll(
      /Non-zero status code returned while running (\w+) node\. Name:'([^']*)' Status Message: /g,
      "$1 '$2': ",
    )
    .replaceAll(/ ''/g, '')
    .replaceAll(/(?:[\w./\\-]*[/\\])?[\w.-]+\.(?:h|hpp|cc|cpp):\d+ /g, '')
    .replaceAll(/\b[\w:~<>]+(?:::[\w~<>]+)+\([^)]*\)(?: const)?(?: \[[^\]]*\])? ?/g, '')
    .replaceAll(/(^|: )void /g, '$1')
    .replace(/^Load model from .*? failed: ?/, '')
    .trim()
    .replace(/\.+$/, '');
}
