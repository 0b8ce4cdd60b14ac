import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isWord } from '@dpar/io';
import { checkpointFiles, fileDigest, findFolder, safetensorsFiles } from '@dpar/io/node';
import { dparKind } from '@dpar/model';
import type { ModelKind } from '@dpar/nn';
import { type ModelFolder, openModelFolder } from '@dpar/pipeline/node';
import { DparError } from '@dpar/tensor';
import type { PageExample, PageManifest, PagePart } from '../manifest.js';
import { modelInfo } from '../model/model-info.js';
import { readPresentation } from './presentation.js';

/** Files that a page takes from a model folder, and their manifest. */
export interface ModelFiles {
  readonly manifest: PageManifest;
  /** Files of the page that are copied, by their path in it. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Finds what a page needs in a model folder: `tokenizer/` and `dpar/`, `entropy/` unless DPAR has a boundary head, and if they
 * are there `llamagen/`, the names of the classes, `page.json` and the pictures in `examples/`.
 *
 * @param title Title of the page (default: that of page.json, or the folder's name).
 * @throws DparError if a model is missing or does not fit the others; IoError if a file is missing or damaged.
 */
export async function readModelFiles(folder: string, title?: string): Promise<ModelFiles> {
  const model = await openModelFolder(folder);
  checkParts(model);
  const sources = new Map<string, string>();
  const part = (name: keyof PageManifest['parts']) => readPart(model, name, sources);
  const [tokenizer, dpar] = [await part('tokenizer'), await part('dpar')];
  const entropy = model.entropy && (await part('entropy'));
  const llamagen = model.llamagen && (await part('llamagen'));
  const names = Array.from({ length: model.numClasses }, (_, i) => model.classes?.[i] ?? `Class ${i}`);
  const { credit, label, ...presentation } = await readPresentation(
    folder,
    names.filter((name) => !isWord(name)),
  );
  const examples: PageExample[] = [];
  for (const example of presentation.examples) {
    examples.push({ ...example, file: await placeOf('example', example.file, sources) });
  }
  const manifest: PageManifest = {
    title: title ?? presentation.title,
    ...(credit !== undefined && { credit }),
    model: modelInfo({
      names,
      tokenizer: model.tokenizer,
      dpar: (model.dpar as NonNullable<ModelFolder['dpar']>).config,
      entropy: model.entropy?.config,
      llamagen: model.llamagen?.config,
      imageSize: model.imageSize,
      gridSize: model.gridSize,
    }),
    label,
    parts: { tokenizer, dpar, ...(entropy && { entropy }), ...(llamagen && { llamagen }) },
    examples,
  };
  return { manifest, sources };
}

/** Checks that the page can show the model. @throws DparError that says what is missing. */
function checkParts(model: ModelFolder): void {
  const fault = faultOf(model);
  if (fault === undefined) return;
  const [expected, got, remedy] = fault;
  throw new DparError(`readModelFiles: expected ${expected} in '${model.folder}', got ${got}. ${remedy}`);
}

/** Fault of a model for the page: what was expected, what came, and a remedy. */
function faultOf({ dpar, entropy, llamagen }: ModelFolder): readonly [string, string, string] | undefined {
  if (!dpar) return ['a DPAR model in dpar/', 'only a LlamaGen', 'The page shows patches: train a DPAR.'];
  const { config } = dpar;
  if (!dparKind.needsEntropies(config)) {
    return ['a DPAR that makes patches by entropy', 'patches of another rule', 'Train it with such patches.'];
  }
  if (!config.boundaryHead && !entropy) {
    return ['a boundary head in dpar/, or an entropy model in entropy/', 'neither', 'Copy the entropy model there.'];
  }
  const { numClasses = config.numClasses } = llamagen?.config ?? {};
  if (numClasses === config.numClasses) return undefined;
  return [
    `${config.numClasses} classes in llamagen/, as in dpar/`,
    `${numClasses}`,
    'Train both on one set of classes.',
  ];
}

/** Configuration of a model, and its weights in the page. */
async function readPart(
  model: ModelFolder,
  name: keyof PageManifest['parts'],
  sources: Map<string, string>,
): Promise<PagePart> {
  const { kind, config } = model[name] as { readonly kind: ModelKind; readonly config: object };
  const folder = (await findFolder(model.checkpoint(name))) ?? model.checkpoint(name);
  const files = await safetensorsFiles(join(folder, checkpointFiles.model));
  if (files.length === 0) {
    throw new DparError(
      `readModelFiles: expected ${checkpointFiles.model} in '${folder}', got none. Copy the whole model folder.`,
    );
  }
  const weights = [];
  for (const file of files) weights.push({ file: await placeOf(name, file, sources), bytes: (await stat(file)).size });
  return { config: kind.writeConfig(config), weights };
}

/** Gives a file a place in the page, whose name changes with its content, so that browsers may keep it for good. */
async function placeOf(name: string, file: string, sources: Map<string, string>): Promise<string> {
  const place = `model/${name}-${(await fileDigest(file)).slice(0, 8)}${extname(file).toLowerCase()}`;
  sources.set(place, file);
  return place;
}
