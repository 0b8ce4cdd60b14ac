import { application } from '@dpar/config/tsup';

export default application();
