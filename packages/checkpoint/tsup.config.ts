import { library } from '@dpar/config/tsup';

export default library();
