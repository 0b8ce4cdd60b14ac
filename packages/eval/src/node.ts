export { type MetricThreads, startThreads } from './threads/metric-threads.js';
