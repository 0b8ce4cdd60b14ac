import { workerData } from 'node:worker_threads';
import { serveBatches } from './batch-port.js';
import { diskSource } from './disk-source.js';
import type { BatchWorkerData } from './worker-source.js';

// The program of the thread that `workerSource` starts.
const { layout, port } = workerData as BatchWorkerData;
serveBatches(port, diskSource(layout));
