import { library } from '@dpar/config/tsup';

export default library(['src/index.ts']);
