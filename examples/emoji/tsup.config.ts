import { application } from '@dpar/config/tsup';

export default application(['src/main.ts', 'src/pictures/main.ts']);
