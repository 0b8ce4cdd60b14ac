/**
 * Programs in READMEs, by file and position, that do not run in a fresh project, with the test or command that covers them.
 */
export const coveredElsewhere: Readonly<Record<string, string>> = {
  'examples/rope-elsewhere/README.md 0': 'examples/rope-elsewhere/src/readme.test.ts',
  'examples/rope-elsewhere/README.md 2': 'examples/rope-elsewhere/src/readme.test.ts',
  'examples/rope-elsewhere/README.md 3': 'examples/rope-elsewhere/src/readme.test.ts',
  // Imports that only Vite supports.
  'packages/emoji/README.md 3': 'packages/emoji/src/emoji.test.ts',
  'packages/engine-ort/README.md 3': 'packages/playground/src/worker/worker.ts',
  // Tested with weights of the right shapes instead of a download of 95 MB, and with small networks.
  'packages/eval/README.md 4': 'packages/eval/src/readme.test.ts',
  'packages/eval/README.md 5': 'packages/eval/src/dinov2/dinov2.test.ts',
  'packages/eval/README.md 6': 'packages/eval/src/onnx/onnx-network.test.ts',
  'packages/eval/README.md 7': 'packages/eval/src/sets/features.test.ts',
  // Reads a folder of pictures.
  'packages/images/README.md 1': 'packages/images/src/readme.test.ts',
  // In a page.
  'packages/pipeline/README.md 5': 'packages/pipeline/src/browser.test.ts',
  // After the first example, which makes its shards.
  'packages/shards/README.md 2': 'packages/shards/src/readme.test.ts',
  // A loop of tests over a user's engine.
  'packages/tensor/README.md 3': 'packages/engine-ort/src/conformance.test.ts',
  // After the first example, whose engine it uses.
  'packages/train/README.md 3': 'packages/train/src/readme.test.ts',
  'packages/tokenizer/README.md 2': 'packages/tokenizer/src/readme.test.ts',
};

/** Code before a block that uses undeclared names. */
export const preparations: Readonly<Record<string, string>> = {
  'packages/eval/README.md 3': `const rows = (mean) => ({ data: Float64Array.from({ length: 40 }, (_, i) => mean + i % 7), rows: 10, columns: 4 });
const [reference, samples] = [rows(0), rows(1)];`,
  'packages/io/README.md 3': `import { writePyTorch } from '@dpar/io/node';
await writePyTorch('checkpoint.pt', { model: { weight: { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) } } });`,
};
