/**
 * What ONNX Runtime says of a failure, in one line: without its codes, its places in the source and the paths of the machine that
 * built it.
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
