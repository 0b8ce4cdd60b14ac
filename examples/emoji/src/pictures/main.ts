import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emojiFolder } from '@dpar/emoji/node';
import { createOrtEngine } from '@dpar/engine-ort';
import { createStages, runProgram } from '@dpar/example-kit';
import { writeFileAtomic } from '@dpar/io/node';
import { loadPipeline } from '@dpar/pipeline/node';
import { animation } from './animation.js';
import { classesPicture } from './classes.js';
import { ideaPicture } from './idea.js';
import { pagePicture } from './page.js';

/** The repository. This program lies in examples/emoji/dist/pictures. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Draws the pictures of the READMEs with the model of @dpar/emoji. The same model gives the same files. */
async function main(): Promise<void> {
  const stages = createStages();
  // One thread: the order of sums, and so the last bits of entropies, do not depend on the machine's cores.
  const engine = await createOrtEngine({ threads: 1 });
  const model = await loadPipeline(emojiFolder, { engine });
  const pictures: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    'examples/emoji/images/idea.png': () => ideaPicture(model),
    'examples/emoji/images/classes.webp': () => classesPicture(engine, stages),
    'examples/emoji/images/drawing.webp': () => animation(model),
    'packages/pipeline/flags.png': async () => (await model.generate({ class: 'Flags', count: 8, seed: 2 })).grid(8),
    'packages/playground/playground.png': pagePicture,
  };
  try {
    for (const [path, draw] of Object.entries(pictures)) {
      const bytes = await draw();
      await writeFileAtomic(join(root, path), bytes);
      process.stdout.write(`${path}: ${(bytes.length / 1000).toFixed(0)} kB\n`);
    }
  } finally {
    stages.stop();
    await model.dispose();
    await engine.dispose();
  }
}

runProgram(main);
