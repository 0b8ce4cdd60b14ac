import { workerData } from 'node:worker_threads';
import { serveOptimizer } from './port.js';
import type { OptimizerWorkerData } from './thread.js';

// The program of the thread that `optimizerThread` starts.
serveOptimizer((workerData as OptimizerWorkerData).port);
