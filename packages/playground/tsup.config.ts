import { library } from '@dpar/config/tsup';

// All packages that writing and serving a page need are built in. Engines and decoders are not: what is used imports none.
export default {
  ...library(),
  platform: 'node',
  sourcemap: false,
  external: [/^@dpar\/(engine-ort|images)/],
  treeshake: 'smallest',
};
