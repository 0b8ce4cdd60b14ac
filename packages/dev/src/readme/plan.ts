/**
 * Blocks of programs in READMEs, by file and place, that do not run in a fresh project as they stand, and the test or
 * command that covers them.
 */
export const coveredElsewhere: Readonly<Record<string, string>> = {
  'examples/rope-elsewhere/README.md 0': 'examples/rope-elsewhere/src/readme.test.ts',
  'examples/rope-elsewhere/README.md 2': 'examples/rope-elsewhere/src/readme.test.ts',
  'examples/rope-elsewhere/README.md 3': 'examples/rope-elsewhere/src/readme.test.ts',
  'packages/cli/README.md 14': 'packages/cli/src/onnx/steps.test.ts',
  // In a page, with files of this page's server: the loop that it calls is block 14.
  'packages/cli/README.md 15': 'packages/cli/src/onnx/steps.test.ts',
  // The forms of imports that only Vite knows.
  'packages/emoji/README.md 3': 'examples/playground/vite.config.ts',
  'packages/engine-ort/README.md 2': 'examples/playground/src/worker/worker.ts',
  // With weights of the right shapes in place of a download of 95 MB, and with networks of their own.
  'packages/eval/README.md 4': 'packages/eval/src/readme.test.ts',
  'packages/eval/README.md 5': 'packages/eval/src/onnx/onnx-network.test.ts',
  'packages/eval/README.md 6': 'packages/eval/src/sets/features.test.ts',
  // With a photograph.
  'packages/eval/README.md 7': 'packages/eval/src/sets/decode-image.test.ts',
  // After the first example, which makes its shards.
  'packages/shards/README.md 2': 'packages/shards/src/readme.test.ts',
  // A loop of tests over an engine of one's own.
  'packages/tensor/README.md 3': 'packages/engine-ort/src/conformance.test.ts',
  'packages/tokenizer/README.md 2': 'packages/tokenizer/src/readme.test.ts',
};

/** What stands before a block that takes something as given. */
export const preparations: Readonly<Record<string, string>> = {
  'packages/eval/README.md 3': `const rows = (mean) => ({ data: Float64Array.from({ length: 40 }, (_, i) => mean + i % 7), rows: 10, columns: 4 });
const [reference, samples] = [rows(0), rows(1)];`,
  'packages/io/README.md 3': `import { writePyTorch } from '@dpar/io/node';
await writePyTorch('checkpoint.pt', { model: { weight: { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) } } });`,
};
