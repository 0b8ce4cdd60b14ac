import { resolveModelFolder } from '@dpar/pipeline/node';
import { writePage } from '@dpar/playground';
import { defineCommand } from '../command/command.js';
import { countOf, megabytes } from '../command/format.js';
import { modelName, optional, outputFolder, required, text } from '../command/options.js';

export const page = defineCommand({
  name: 'page',
  summary: 'Write a web page that draws with a model, as static files',
  details:
    'The page runs the model in the browser: it draws images of a class, completes pictures, and shows entropies and ' +
    'patches. If there is a LlamaGen beside DPAR, it compares both. It works in any folder of any static host, and after ' +
    'the first visit without a network. An existing page is replaced.\n\n' +
    "The pictures that it offers are those in the folder 'examples' of the model folder.",
  options: {
    model: required(modelName, "model folder, run of 'dpar create', or package with a model"),
    output: required(outputFolder, 'folder of the page'),
    title: optional(text('TEXT', 'a title'), "title of the page (default: the name of the model's folder)"),
  },
  run: async ({ model, output, title }, { signal }) => {
    const written = await writePage(resolveModelFolder(model), output, { title, signal });
    const { files, bytes, compressedBytes } = written;
    return {
      data: { output, title: written.title, files, bytes, compressed_bytes: compressedBytes },
      text:
        `page '${written.title}' in ${output}: ${countOf(files, 'file')}, ${megabytes(bytes)} ` +
        `(${megabytes(compressedBytes)} from a server that sends the .br files)\n` +
        `Copy the folder to any static host, or look at the page here: dpar play ${output}`,
    };
  },
});
