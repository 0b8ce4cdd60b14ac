import { parentPort } from 'node:worker_threads';
import { doJob, type Job } from './jobs.js';

// Program of a metric thread: does one job after another.
parentPort?.on('message', (job: Job) => {
  const result = doJob(job);
  parentPort?.postMessage(result, [result.buffer as ArrayBuffer]);
});
