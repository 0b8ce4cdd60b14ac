import { library } from '@dpar/config/tsup';

export default library(
  { index: 'src/index.ts' },
  { 'thread/thread-runtime': 'src/thread/thread-runtime.ts', 'thread/worker': 'src/thread/worker.ts' },
);
