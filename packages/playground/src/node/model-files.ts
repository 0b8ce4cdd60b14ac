import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { checkpointFiles, fileDigest, findFolder, readJson, safetensorsFiles } from '@dpar/io/node';
import { type DparConfig, dparKind } from '@dpar/model';
import { type ImageConfig, kindOfConfig, type ModelKind } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import type { TokenizerConfig, TokenizerKind } from '@dpar/tokenizer';
import type { PageExample, PageManifest, PagePart } from '../manifest.js';
import { type PartName, partKinds } from '../part-kinds.js';
import { readPresentation } from './presentation.js';

/** What a page takes from a model folder. */
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
  const sources = new Map<string, string>();
  const parts: Partial<Record<PartName, FoundPart>> = {};
  for (const name of Object.keys(partKinds) as PartName[]) {
    const found = await readPart(folder, name, sources);
    if (found) parts[name] = found;
  }
  const { tokenizer, dpar, entropy, llamagen } = checkedParts(folder, parts);
  const config = dpar.config as DparConfig;
  const classes = await classNames(folder, config.numClasses);
  const presentation = await readPresentation(folder, classes);
  const { credit } = presentation;
  const examples: PageExample[] = [];
  for (const example of presentation.examples) {
    examples.push({ ...example, file: await placeOf('example', example.file, sources) });
  }
  const pixels = (tokenizer.kind as TokenizerKind).pixelsPerCode(tokenizer.config as TokenizerConfig);
  const manifest: PageManifest = {
    title: title ?? presentation.title,
    ...(credit !== undefined && { credit }),
    classes,
    imageSize: Math.sqrt(config.blockSize) * pixels,
    label: presentation.label,
    parts: {
      tokenizer: tokenizer.part,
      dpar: dpar.part,
      ...(entropy && { entropy: entropy.part }),
      ...(llamagen && { llamagen: llamagen.part }),
    },
    examples,
  };
  return { manifest, sources };
}

/** A model of the folder. */
interface FoundPart {
  readonly kind: ModelKind;
  readonly config: object;
  readonly part: PagePart;
}

/** Reads the configuration of a model and finds its weights; undefined if the folder has no such model. */
async function readPart(folder: string, name: PartName, sources: Map<string, string>): Promise<FoundPart | undefined> {
  const place = await findFolder(join(folder, name));
  const json = place && (await readJson(join(place, checkpointFiles.config)));
  if (!place || !json) return undefined;
  const kind = kindOfConfig('readModelFiles', partKinds[name], json, place);
  const config = kind.readConfig(json) as object;
  const files = await safetensorsFiles(join(place, checkpointFiles.model));
  if (files.length === 0) {
    throw new DparError(
      `readModelFiles: expected the weights '${join(place, checkpointFiles.model)}', got none. Copy the whole model folder.`,
    );
  }
  const weights = [];
  for (const file of files) weights.push({ file: await placeOf(name, file, sources), bytes: (await stat(file)).size });
  return { kind, config, part: { config: json, weights } };
}

/** Gives a file a place in the page, whose name changes with its content, so that browsers may keep it for good. */
async function placeOf(name: string, file: string, sources: Map<string, string>): Promise<string> {
  const place = `model/${name}-${(await fileDigest(file)).slice(0, 8)}${extname(file).toLowerCase()}`;
  sources.set(place, file);
  return place;
}

/** Checks that the models belong together. */
function checkedParts(folder: string, parts: Partial<Record<PartName, FoundPart>>) {
  const { tokenizer, dpar, entropy, llamagen } = parts;
  const refuse = (expected: string, got: string, remedy: string): never => {
    throw new DparError(`readModelFiles: expected ${expected} in '${folder}', got ${got}. ${remedy}`);
  };
  if (!tokenizer || !dpar) {
    const missing = [tokenizer ? '' : 'tokenizer', dpar ? '' : 'dpar'].filter((name) => name !== '');
    return refuse(
      'tokenizer/ and dpar/ with config.json',
      `none named ${missing.join(' or ')}`,
      'Pass a model folder.',
    );
  }
  const config = dpar.config as DparConfig;
  const { codebookSize } = tokenizer.config as TokenizerConfig;
  if (!dparKind.needsEntropies(config)) {
    refuse(
      'a DPAR that makes patches by entropy',
      'patches of another rule',
      'The page shows entropies: train such a model.',
    );
  }
  if (!config.boundaryHead && !entropy) {
    refuse('a DPAR with a boundary head, or entropy/ beside it', 'neither', 'Copy the entropy model into the folder.');
  }
  if (codebookSize !== config.vocabSize || !Number.isInteger(Math.sqrt(config.blockSize))) {
    const got = `${codebookSize} codes, and a DPAR of ${config.vocabSize} codes and ${config.blockSize} tokens`;
    refuse(
      'a tokenizer and a DPAR of as many codes, with a square of tokens',
      got,
      'Use the tokenizer of its training.',
    );
  }
  for (const [name, other] of [
    ['entropy', entropy],
    ['llamagen', llamagen],
  ] as const) {
    if (other === undefined) continue;
    const { vocabSize, blockSize, numClasses } = other.config as ImageConfig;
    const isSame = vocabSize === config.vocabSize && blockSize === config.blockSize;
    if (!isSame || (name === 'llamagen' && numClasses !== config.numClasses)) {
      const of = (c: ImageConfig): string => `${c.vocabSize} codes, ${c.blockSize} tokens and ${c.numClasses} classes`;
      refuse(
        `in ${name}/ a model of ${of(config)}, as in dpar/,`,
        of(other.config as ImageConfig),
        'Train them on one set.',
      );
    }
  }
  return { tokenizer, dpar, entropy, llamagen };
}

/** Names of the classes, from `classes.json` in the folder of DPAR or beside it; numbers for classes without a name. */
async function classNames(folder: string, count: number): Promise<string[]> {
  const places = ['dpar/classes.json', 'classes.json'].map((name) => join(folder, name));
  const place = places.find((path) => existsSync(path));
  const names: unknown = place === undefined ? [] : JSON.parse(await readFile(place, 'utf8'));
  if (!Array.isArray(names) || names.length > count || names.some((name) => typeof name !== 'string')) {
    const got = Array.isArray(names) ? `a list of ${names.length} entries` : `a ${typeof names}`;
    throw new DparError(
      `readModelFiles: expected a list of at most ${count} names in '${place}', got ${got}. Use the list of the model's classes.`,
    );
  }
  return Array.from({ length: count }, (_, number) => (names[number] as string | undefined) ?? `Class ${number}`);
}
