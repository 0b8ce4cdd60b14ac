export { readInceptionWeights } from './inception/read-weights.js';
export { openOnnxModel } from './onnx/onnx-file.js';
export * from './sets/index.js';
export { type MetricThreads, startThreads } from './threads/metric-threads.js';
