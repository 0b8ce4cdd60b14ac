import { readFileSync } from 'node:fs';
import { createReferenceEngine } from '@dpar/tensor';
import { train } from '../run/train.js';
import { readTrainConfig } from '../run/train-config.js';

// A process that runs or resumes the configuration in its argument. Tests kill it.
const [path = ''] = process.argv.slice(2);
const config = readTrainConfig(JSON.parse(readFileSync(path, 'utf8')));
for await (const _ of train(createReferenceEngine(), config, { resume: true }));
