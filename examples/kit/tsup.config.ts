import { application } from '@dpar/config/tsup';

export default application(['src/index.ts', 'src/emoji.ts']);
