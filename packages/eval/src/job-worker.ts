import { parentPort } from 'node:worker_threads';
import { doJob, type Job } from './jobs.js';

// The program of the threads that `startThreads` starts: does one job after another.
parentPort?.on('message', (job: Job) => {
  const result = doJob(job);
  parentPort?.postMessage(result, [result.buffer as ArrayBuffer]);
});
