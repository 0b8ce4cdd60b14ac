import { type MessagePort, workerData } from 'node:worker_threads';
import { servePictures } from './tasks.js';

// Program of a thread of `openPictureThreads`.
servePictures((workerData as { readonly port: MessagePort }).port);
