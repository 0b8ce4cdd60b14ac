import { pathToFileURL } from 'node:url';
import { float32, named } from '@dpar/tensor';
import { exportOnnx } from '../export.js';
import { startThreadRuntime } from '../thread/thread-runtime.js';

// Program that ends with code 3 while a thread runs a step. Argument: the thread's program.
const runtime = await startThreadRuntime('cpu', pathToFileURL(process.argv[2] as string));
const x = float32([1024, 1024]);
const step = exportOnnx(
  (ops, inputs) => {
    let y = named(inputs, 'x');
    for (let i = 0; i < 24; i++) y = ops.matmul(y, named(inputs, 'x'));
    return { y };
  },
  { x },
);
const session = await runtime.createSession(new Uint8Array(step), { executionProviders: ['cpu'] });
const run = () => session.run({ x: runtime.tensor(x) }, { y: null }, 'host');
await run();
run().catch(() => {});
setTimeout(() => process.exit(3), 20);
