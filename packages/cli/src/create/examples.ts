import { join, parse } from 'node:path';
import { makeFolder, writeFileAtomic } from '@dpar/io/node';
import { pngOf } from '@dpar/pipeline';
import { spread } from '../report/report.js';
import { validationSquares } from './reconstructions.js';
import type { CreateRun } from './run.js';

/** Most pictures that a page of the model offers. */
const mostExamples = 12;

/**
 * Writes validation pictures of all classes as examples for a page of the model, which the visitor can take apart or let the model complete.
 * @param folder New folder `examples` of a model folder. Classes are subfolders, if there are several.
 */
export async function writeExamples(run: CreateRun, folder: string): Promise<void> {
  const { set, labels } = run.parts.validation;
  const { classes } = run.pictures;
  const chosen = exampleIndices(labels, classes.length);
  const { data, size } = await validationSquares(run, chosen);
  const bytes = 3 * size * size;
  const taken = new Set<string>();
  for (const [i, index] of chosen.entries()) {
    const place = classes.length > 1 ? join(folder, classes[labels[index] as number] as string) : folder;
    const name = freeName(join(place, parse(set.nameOf(index)).name), taken);
    await makeFolder(place);
    await writeFileAtomic(name, pngOf({ data: data.subarray(i * bytes, (i + 1) * bytes), size }));
  }
}

/** Pictures of as many classes as possible: the first of each, then the second of each. */
export function exampleIndices(labels: Int32Array, classes: number): number[] {
  const ofClass: number[][] = Array.from({ length: classes }, () => []);
  for (const [index, label] of labels.entries()) ofClass[label]?.push(index);
  const shown = spread(
    ofClass.filter((indices) => indices.length > 0),
    mostExamples,
  );
  const each = Math.ceil(mostExamples / Math.max(1, shown.length));
  const rows = shown.map((indices) => spread(indices, each));
  return Array.from({ length: each }, (_, row) => rows.flatMap((indices) => indices[row] ?? []))
    .flat()
    .slice(0, mostExamples);
}

/** The path of a PNG file that no other example has. */
function freeName(path: string, taken: Set<string>): string {
  let name = `${path}.png`;
  for (let copy = 2; taken.has(name.toLowerCase()); copy++) name = `${path} ${copy}.png`;
  taken.add(name.toLowerCase());
  return name;
}
