import { existsSync } from 'node:fs';
import { basename, dirname, join, parse, relative, resolve, sep } from 'node:path';
import { isSystemEntry, readJson } from '@dpar/io/node';
import { DparError } from '@dpar/tensor';
import type { PageExample } from '../manifest.js';
import { namesIn } from './names-in.js';

/** Name of the optional file of a model folder that says how a page presents the model. */
const presentationFile = 'page.json';

/** Folder of pictures in a model folder. */
const examplesFolder = 'examples';

/** Most pictures that a page offers. */
const mostExamples = 24;

/** Image files that all browsers read. */
const imageFile = /\.(png|jpe?g|webp|gif)$/i;

/** Presentation of a model on a page. */
export interface Presentation {
  readonly title: string;
  /** Source and licence of the pictures. */
  readonly credit?: string;
  /** Class that is selected at first. */
  readonly label: number;
  /** Pictures, whose `file` is a path. */
  readonly examples: readonly PageExample[];
}

/**
 * Reads `page.json` of a model folder, or makes up for it: the title is the folder's name, and the pictures are those in
 * `examples/`, in subfolders by class where they have one.
 * @throws DparError for an unknown key or a wrong value; IoError if the file is no JSON object.
 */
export async function readPresentation(folder: string, classes: readonly string[]): Promise<Presentation> {
  const path = join(folder, presentationFile);
  const { title, credit, class: className, examples, ...others } = (await readJson(path)) ?? {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong(path, 'the keys title, credit, class and examples', `'${unknown}'`);
  const text = (key: string, value: unknown): string | undefined => {
    if (value === undefined || typeof value === 'string') return value;
    throw wrong(path, `a text as '${key}'`, JSON.stringify(value));
  };
  const first = text('class', className);
  if (first !== undefined && !classes.includes(first))
    throw wrong(path, "a class of the model as 'class'", `'${first}'`);
  const shownCredit = text('credit', credit);
  return {
    title: text('title', title) ?? nameOf(folder),
    ...(shownCredit !== undefined && { credit: shownCredit }),
    label: first === undefined ? 0 : classes.indexOf(first),
    examples: examples === undefined ? await findExamples(folder, classes) : listedExamples(folder, path, examples),
  };
}

function wrong(path: string, expected: string, got: string): DparError {
  return new DparError(
    `readPresentation: expected ${expected} in '${path}', got ${got}. Correct the file, or remove it.`,
  );
}

/** Name of a model folder: that of the run or package whose folder `model` it is, or its own. */
function nameOf(folder: string): string {
  const place = resolve(folder);
  return basename(basename(place) === 'model' ? dirname(place) : place);
}

/** Pictures that page.json lists, with names and classes of their own. */
function listedExamples(folder: string, path: string, list: unknown): PageExample[] {
  if (!Array.isArray(list)) throw wrong(path, "a list as 'examples'", `a ${typeof list}`);
  return list.map((entry: unknown) => {
    const { file, name, class: className } = Object(entry) as Record<string, unknown>;
    const place = typeof file === 'string' ? resolve(folder, file) : '';
    const isText = typeof name === 'string' && (className === undefined || typeof className === 'string');
    if (!place.startsWith(resolve(folder) + sep) || !isText) {
      const expected = "entries of 'examples' with a file of the folder, a name and perhaps a class";
      throw wrong(path, expected, JSON.stringify(entry));
    }
    return { name, file: place, ...(className !== undefined && { className }) };
  });
}

/** Pictures in the folder of examples, evenly chosen if there are many. */
async function findExamples(folder: string, classes: readonly string[]): Promise<PageExample[]> {
  const place = join(folder, examplesFolder);
  const names = existsSync(place) ? await namesIn(place) : [];
  const files = names
    .filter((name) => imageFile.test(name) && !name.split('/').some(isSystemEntry))
    .map((name) => join(place, name));
  const count = Math.min(files.length, mostExamples);
  return Array.from({ length: count }, (_, i) => {
    const file = files[Math.floor((i * files.length) / count)] as string;
    // A class of a group has a folder in that of the group.
    const folders = relative(place, dirname(file)).split(sep);
    const className = [folders.join('/'), folders.at(-1)].find((name) => name !== undefined && classes.includes(name));
    return { name: parse(file).name, file, ...(className !== undefined && { className }) };
  });
}
