export { loadFeatureWeights } from './load-feature-weights.js';
export { createMetricThreads, type MetricThreads } from './metric-threads.js';
export { openOnnxModel } from './onnx/onnx-file.js';
export * from './sets/index.js';
