export * from './sets/index.js';
export { type MetricThreads, startThreads } from './threads/metric-threads.js';
