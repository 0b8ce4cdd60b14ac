import { setTimeout } from 'node:timers/promises';
import { openImageArray } from '@dpar/images/node';
import { extractToFile } from '../sets/extract-file.js';
import { tinyNetwork } from './tiny-network.js';

// Computes the features of a set by a network that takes some time: `extract-process IMAGES OUTPUT`.
const [, , images = '', output = ''] = process.argv;
const network = tinyNetwork({ onBatch: () => setTimeout(2) });
await extractToFile(output, await openImageArray(images), network, { batchSize: 64 });
