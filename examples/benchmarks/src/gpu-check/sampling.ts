import { join } from 'node:path';
import { emojiFolder } from '@dpar/emoji/node';
import type { Device } from '@dpar/engine-ort';
import { fixturePath } from '@dpar/fixtures';
import { toHostTensors } from '@dpar/io';
import { readSafetensors } from '@dpar/io/node';
import { named } from '@dpar/tensor';
import { type Check, type Findings, runCheck } from './check.js';
import { type CheckSettings, deviceOptions, dpar } from './commands.js';

/** Models that generate: small ones of 8 x 8 tokens, then those of `@dpar/emoji` of 16 x 16. */
const models: Readonly<Record<string, readonly string[]>> = {
  dpar: ['--checkpoint', fixturePath('dpar-dynamic4d'), '--entropy-checkpoint', fixturePath('entropy-model')],
  llamagen: ['--checkpoint', fixturePath('llamagen')],
  'emoji-dpar': ['--checkpoint', join(emojiFolder, 'dpar')],
  'emoji-llamagen': ['--checkpoint', join(emojiFolder, 'llamagen')],
};

/** Models of a small run. */
const smallModels = 1;

/** Images of each model. */
const count = 4;

/** Compares generated tokens with those of the CPU: same seed, so all are equal. */
export async function checkSampling(settings: CheckSettings): Promise<Check[]> {
  const names = Object.keys(models).slice(0, settings.small ? smallModels : undefined);
  const checks: Check[] = [];
  for (const name of names) {
    checks.push(await runCheck(`sampling/${name}`, settings.budget, () => compare(settings, name)));
  }
  return checks;
}

async function compare(settings: CheckSettings, name: string): Promise<Findings> {
  const draw = async (device: Device, place: string) => {
    const output = join(settings.folder, `${name}-${place}.safetensors`);
    const wanted = ['--classes', '0-3', '--count', `${count}`, '--guidance-scale', '2', '--seed', '7'];
    const options = [...wanted, '--output', output, ...deviceOptions(settings, device)];
    await dpar(['sample', ...(models[name] ?? []), ...options], settings.budget);
    return named(toHostTensors((await readSafetensors(output)).tensors), 'tokens');
  };
  const [cpu, device] = [await draw('cpu', 'cpu'), await draw(settings.device, 'device')];
  const different = cpu.data.filter((token, i) => token !== device.data[i]).length;
  return {
    about: `${count} images, ${cpu.data.length} tokens`,
    deviations: [{ of: 'other tokens', value: different, limit: 0 }],
  };
}
