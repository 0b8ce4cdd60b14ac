// The process of one topic of the comparison with other libraries. It sends what it found and ends.
import { parseArgs } from 'node:util';
import { topics } from './peers/topics/index.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string' }, rounds: { type: 'string' }, small: { type: 'boolean', default: false } },
});
const topic = topics.find(({ name }) => name === positionals[0]);
if (topic === undefined) throw new Error(`peers-worker: expected the name of a topic, got '${positionals[0]}'.`);
// TensorFlow reads it when it is loaded.
process.env.TF_NUM_INTRAOP_THREADS ??= values.threads;

// The run was stopped.
process.once('disconnect', () => process.exit(1));

const report = (line: string): void => void process.stderr.write(`bench: ${topic.name}: ${line}\n`);
const settings = { threads: Number(values.threads), rounds: Number(values.rounds), small: values.small, report };
const result = await topic.measure(settings);
process.send?.(result, () => process.exit(0));
