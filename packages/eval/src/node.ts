export { loadInceptionWeights } from './inception/load-weights.js';
export { openOnnxModel } from './onnx/onnx-file.js';
export * from './sets/index.js';
export { createMetricThreads, type MetricThreads } from './threads/metric-threads.js';
