import { workerData } from 'node:worker_threads';
import { type OptimizerWorkerData, serveOptimizer } from './thread.js';

// The program of the thread that `createOptimizerThread` starts.
serveOptimizer((workerData as OptimizerWorkerData).port);
