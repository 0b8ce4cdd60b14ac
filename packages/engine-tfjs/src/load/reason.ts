/** Backend that cannot be used, for the reason in the message. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}

const sharedLibrary = /[\w.+-]+\.(?:so(?:\.\d+)*|dll|dylib)\b/;
const ofCuda = /cuda|cudnn|cublas|cusolver|cusparse|cufft|curand|nccl|nvinfer|nvrtc/i;

/** Explains why a package could not be imported or its backend not started, in half a sentence. */
export function reasonOf(error: unknown, packageName: string): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Unusable) return message;
  const { code } = error as { code?: unknown };
  const [firstLine = ''] = message.split('\n');
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    const [, missing = ''] = /['"]([^'"]+)['"]/.exec(firstLine) ?? []; // Deno has double quotes
    return missing === packageName ? `${packageName} is not installed` : `${packageName} lacks '${missing}'`;
  }
  if (message.includes('tfjs_binding.node') && /not be found|cannot find/i.test(message)) {
    return `${packageName} has no native library: its install script has not run (npm rebuild ${packageName})`;
  }
  const [library] = sharedLibrary.exec(message) ?? [];
  if (library !== undefined && /cannot open|could not load|not found|image not found|no such file/i.test(message)) {
    return `the ${ofCuda.test(library) ? 'CUDA ' : ''}library ${library} is missing`;
  }
  return `${packageName} does not start: ${firstLine}`;
}
