// A process of an endurance run: one soak, or one reader's damaged files.
import { soak } from './endurance/memory/soak.js';
import { soaks } from './endurance/memory/soaks.js';

const [part, name, amount = '', seed = '', folder = ''] = process.argv.slice(2);
const found = soaks.find((one) => part === 'soak' && one.name === name);
if (found === undefined) throw new Error(`endurance-worker: expected work, got '${part}' '${name}'.`);
const work = await found.start(folder, Number(amount), Number(seed));
await soak(work, Number(amount), (sample) => process.send?.(sample));
await work.end();
process.disconnect();
