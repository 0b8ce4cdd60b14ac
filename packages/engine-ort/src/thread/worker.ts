import { workerData } from 'node:worker_threads';
import { type OrtWorkerData, serveOrt } from './tasks.js';

// The program of the thread of `startThreadRuntime`.
serveOrt(workerData as OrtWorkerData);
