import { application } from '@dpar/config/tsup';

export default application(['src/main.ts', 'src/worker.ts']);
