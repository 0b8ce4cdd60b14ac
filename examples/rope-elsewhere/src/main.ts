import { runExperiment } from './experiment.js';
import { fullSettings, quickSettings } from './variants.js';
const settings = process.argv.includes('--quick') ? quickSettings : fullSettings;
const results = await runExperiment(settings, (line) => process.stderr.write(`${line}\n`));
console.log(JSON.stringify(results));
