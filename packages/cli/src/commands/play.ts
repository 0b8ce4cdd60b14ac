import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveModelFolder } from '@dpar/pipeline/node';
import { isPage, servePage, writePage } from '@dpar/playground';
import { defineCommand } from '../command/command.js';
import { modelName, optional, positional, wholeNumber } from '../command/options.js';

/** Largest number of a port. */
const lastPort = 65535;

export const play = defineCommand({
  name: 'play',
  summary: 'Serve a web page that draws with a model, on this machine',
  details: "The page is that of 'dpar page'. Ctrl-C stops the server.",
  options: {
    model: positional(
      'MODEL',
      modelName,
      "model folder, run of 'dpar create', package with a model, or folder of 'dpar page'",
      '@dpar/emoji',
    ),
    port: optional(wholeNumber(0, lastPort), 'port of the server; 0 takes any free one', 4173),
  },
  run: async ({ model, port }, { signal, note }) => {
    const own = await mkdtemp(join(tmpdir(), 'dpar-play-'));
    try {
      let folder = model;
      if (!(await isPage(model))) {
        folder = join(own, 'page');
        await writePage(resolveModelFolder(model), folder, { compress: false, signal });
      }
      const { url, close } = await servePage(folder, { port });
      note(`The page is at ${url} (Ctrl-C stops it).`);
      await aborted(signal);
      await close();
      return { data: { url }, text: 'stopped' };
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  },
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
