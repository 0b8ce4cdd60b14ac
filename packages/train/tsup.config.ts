import { library } from '@dpar/config/tsup';

export default library({
  index: 'src/index.ts',
  node: 'src/node.ts',
  'batch-worker': 'src/disk/batch-worker.ts',
  'optimizer-worker': 'src/optimizer/worker.ts',
});
