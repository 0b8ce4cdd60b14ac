import { workerData } from 'node:worker_threads';
import { diskSource } from './disk-source.js';
import { type BatchWorkerData, serveBatches } from './worker-source.js';

// The program of the thread that `workerSource` starts.
const { layout, port } = workerData as BatchWorkerData;
serveBatches(port, diskSource(layout));
