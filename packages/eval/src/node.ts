export { readInceptionWeights } from './inception/load-weights.js';
export { openOnnxModel } from './onnx/onnx-file.js';
export * from './sets/index.js';
export { type MetricThreads, startThreads } from './threads/metric-threads.js';
