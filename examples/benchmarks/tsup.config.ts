import { application } from '@dpar/config/tsup';

const entries = [
  'src/main.ts',
  'src/worker.ts',
  'src/peers-worker.ts',
  'src/endurance-worker.ts',
  'src/gpu-check.ts',
  'src/conformance-worker.ts',
];

export default application(entries, [/^@dpar\/fixtures/]);
