import { library } from '@dpar/config/tsup';

export default library({
  index: 'src/index.ts',
  node: 'src/node.ts',
  'picture-worker': 'src/threads/picture-worker.ts',
});
