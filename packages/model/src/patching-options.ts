import type { PatchingOptions } from '@dpar/patchify';
import { checkArguments } from './check-arguments.js';
import { type DparConfig, dparConfigKinds } from './config.js';

/** Patching options for @dpar/patchify from a configuration. */
export function patchingOptions(config: DparConfig): PatchingOptions {
  checkArguments('patchingOptions', { config }, { config: dparConfigKinds });
  const { patching, predictEoiToken } = config;
  return { ...patching, endOfImage: predictEoiToken };
}
