import { workerData } from 'node:worker_threads';
import { createDiskSource } from './disk-source.js';
import { type BatchWorkerData, serveBatches } from './worker-source.js';

// The program of the thread that `createWorkerSource` starts.
const { layout, port } = workerData as BatchWorkerData;
serveBatches(port, createDiskSource(layout));
