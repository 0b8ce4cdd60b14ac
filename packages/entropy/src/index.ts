export { type Calibration, type CalibrationOptions, calibrateThreshold } from './calibrate.js';
export {
  type EntropyModelConfig,
  entropyModelPresets,
  entropyModelSpecs,
  readEntropyModelConfig,
  writeEntropyModelConfig,
} from './config.js';
export { pearsonCorrelation } from './correlation.js';
export {
  type CorrelateGroupsOptions,
  type Correlation,
  correlateGroups,
  correlateIndependent,
} from './correlation-interval.js';
export { entropyKind } from './kind.js';
export { type EntropyModelOutputs, entropyModel } from './model.js';
