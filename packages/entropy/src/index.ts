export { type Calibration, type CalibrationOptions, calibrateThreshold } from './calibrate.js';
export { pearsonCorrelation } from './correlation.js';
export {
  type CorrelateGroupsOptions,
  type Correlation,
  correlateGroups,
  correlateIndependent,
} from './correlation-interval.js';
export { createEntropyComputer, type EntropyComputer, type EntropyRunOptions } from './entropy-computer.js';
export {
  type EntropyModelConfig,
  type EntropyModelOutputs,
  entropyKind,
  entropyModel,
  entropyModelPresets,
} from './model.js';
