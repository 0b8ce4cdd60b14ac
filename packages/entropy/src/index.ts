export {
  type EntropyModelConfig,
  entropyModelPresets,
  entropyModelSpecs,
  readEntropyModelConfig,
  writeEntropyModelConfig,
} from './config.js';
export { type EntropyModelOutputs, entropyModel } from './model.js';
