import { library } from '@dpar/config/tsup';

// The server's packages, which are built in, import Node's modules by their short names.
export default { ...library(), platform: 'node', sourcemap: false };
