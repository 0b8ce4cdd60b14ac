// A process of an endurance run: one soak, or one reader's damaged files.
import { countAllocations } from '@dpar/fixtures/allocated';

const send = (message: object): void => void process.send?.(message);
const [work, name, place = '', seed = '', ...amounts] = process.argv.slice(2);
const [amount = 0, milliseconds = 0] = amounts.map(Number);

if (work === 'soak') {
  const { soak } = await import('./endurance/memory/soak.js');
  const { soaks } = await import('./endurance/memory/soaks.js');
  const found = soaks.find((one) => one.name === name);
  if (found === undefined) throw new Error(`endurance-worker: expected the name of a soak, got '${name}'.`);
  const soaked = await found.start(place, amount, Number(seed));
  await soak(soaked, amount, send);
  await soaked.end();
} else {
  // Before the readers are loaded, so that they see the constructors that count.
  if (work === 'fuzz') countAllocations();
  const { fuzzReaders } = await import('./endurance/fuzz/readers.js');
  const { fuzz } = await import('./endurance/fuzz/work.js');
  const reader = fuzzReaders.find((one) => one.name === name);
  if (reader === undefined) throw new Error(`endurance-worker: expected the name of a reader, got '${name}'.`);
  await fuzz(reader, { place, seed: Number(seed), first: amount, milliseconds }, send);
}
process.disconnect();
